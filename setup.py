"""Builds libfastnn (shared and static) from csrc, then the Cython modules that link to it."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

VERSION = "0.1.0"
JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SANITIZE = os.environ.get("FASTNN_SANITIZE", "").split()  # e.g. "-fsanitize=address,undefined"
OPT = ["-O1", "-g"] if SANITIZE else ["-O3", "-g0"]
SMALL = ["-O1"] if SANITIZE else ["-Os"]
WARN = ["-Wall", "-Wextra", "-Werror"]
if SANITIZE:  # instrumented code looks uninitialised to gcc where it is not
    WARN.append("-Wno-maybe-uninitialized")
LINK = [*SANITIZE] if SANITIZE else ["-Wl,-s"]
# The wheel counts every byte. The portable kernels are for processors older than 2013, and what is
# not a fast module spends its time in C, or runs once.
SMALL_KERNELS = {"base"}
FAST_MODULES = {"tensor", "tape", "activation", "arith", "elementary", "compare", "matmul",
                "softmax", "loss", "classification", "reduce", "optim", "pointwise", "norm", "pool"}
PKG_CONFIG = f"""prefix=${{pcfiledir}}/../..
Name: fastnn
Description: A neural-network engine for CPUs
Version: {VERSION}
Cflags: -I${{prefix}}/include
Libs: -L${{prefix}}/lib -lfastnn
Libs.private: -lm -lpthread
"""
CMAKE = """add_library(fastnn::fastnn SHARED IMPORTED)
get_filename_component(_fastnn "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set_target_properties(fastnn::fastnn PROPERTIES
  IMPORTED_LOCATION "${_fastnn}/lib/libfastnn.so"
  INTERFACE_INCLUDE_DIRECTORIES "${_fastnn}/include")
"""


class BuildExt(build_ext):
    """build_ext that first compiles csrc into fastnn/lib/libfastnn.{so,a}."""

    def run(self):
        inplace = self.inplace or getattr(self, "editable_mode", False)
        if inplace:  # keep objects from one build to the next
            self.build_temp = "build/temp"
        super().run()
        if inplace:  # setuptools builds in build_lib and copies only extensions back
            shutil.copytree(self.lib, "fastnn/lib", dirs_exist_ok=True)
            shutil.copytree("csrc/include", "fastnn/include", dirs_exist_ok=True)

    def build_extensions(self):
        self.parallel = self.parallel or JOBS
        self.lib = Path(self.build_lib) / "fastnn/lib"
        self.lib.mkdir(parents=True, exist_ok=True)
        self.compile_library()
        for ext in self.extensions:
            ext.library_dirs.append(str(self.lib))
        super().build_extensions()
        self.install_for_c()

    def install_for_c(self):
        """What a C program or another Cython package needs, inside the package."""
        shutil.copytree("csrc/include", self.lib.parent / "include", dirs_exist_ok=True)
        for name, text in (("pkgconfig/fastnn.pc", PKG_CONFIG),
                           ("cmake/fastnn/fastnnConfig.cmake", CMAKE)):  # fmt: skip
            path = self.lib / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def compile_library(self):
        objects = Path(self.build_temp) / "csrc"
        flags = ["-std=gnu11", *OPT, *WARN, *SANITIZE, "-ffp-contract=off", "-fno-math-errno",
                 "-fno-trapping-math", "-fvisibility=hidden"]
        openmp = ["-fopenmp"] if self.has_openmp() else []
        # gcc would thread jumps through the clamps of exp and leave chains of blends
        clamps = ["-fno-thread-jumps"] if self.accepts("-fno-thread-jumps") else []
        jobs = [(p, objects, [*flags, "-Wconversion", "-Wno-sign-conversion", *openmp], [])
                for p in glob("csrc/runtime/*.c")]
        jobs += [(p, objects, flags, []) for p in glob("csrc/ops/*.c")]
        jobs += [("csrc/isa/tables.c", objects, flags, [])]
        for family in sorted(glob("csrc/kernels/families/*.inc")):
            for isa in ("avx512", "avx2", "neon", "base"):
                more = SMALL if isa in SMALL_KERNELS else []
                if SANITIZE and isa not in SMALL_KERNELS:
                    more = ["-fno-sanitize=all"]
                macro = ("FNN_FAMILY", f'"{family.removeprefix("csrc/")}"')
                jobs.append((f"csrc/isa/{isa}.c", objects / Path(family).stem,
                             [*flags, *clamps, *more], [macro]))
        with ThreadPoolExecutor(JOBS) as pool:
            made = sorted(pool.map(lambda job: self.compile_one(*job), jobs))
        self.link_library(made, openmp)

    def compile_one(self, source, folder, flags, macros):
        """The object of a source; as it stands where nothing that it was made of is newer."""
        made = folder / Path(source).with_suffix(".o")
        told = made.with_suffix(".d")
        if not SANITIZE and made.exists() and told.exists():
            parts = told.read_text().replace("\\\n", " ").split(":", 1)[1].split()
            since = made.stat().st_mtime
            if all(os.path.exists(p) and os.path.getmtime(p) < since for p in [*parts, "setup.py"]):
                return str(made)
        self.compiler.compile(
            [source], output_dir=str(folder), include_dirs=["csrc", "csrc/include"],
            macros=[("FNN_VERSION_STRING", f'"{VERSION}"'), *macros],
            extra_postargs=[*flags, "-MMD", "-MF", str(told)])
        return str(made)

    def link_library(self, objects, openmp):
        shared = str(self.lib / "libfastnn.so")
        self.compiler.link_shared_object(
            objects,
            shared,
            extra_postargs=[*LINK, *openmp, "-Wl,-soname,libfastnn.so", "-Wl,-z,nodelete", "-lm"],
        )
        archive = self.lib / "libfastnn.a"
        archive.unlink(missing_ok=True)
        self.compiler.create_static_lib(objects, "fastnn", output_dir=str(self.lib))
        if not SANITIZE and shutil.which("strip"):
            self.spawn(["strip", "--strip-unneeded", str(archive)])

    def has_openmp(self):
        return os.environ.get("FASTNN_OPENMP") != "0" and self.accepts(
            "-fopenmp", "#include <omp.h>\nint f(void) { return omp_get_max_threads(); }\n")

    def accepts(self, flag, source="int f(void) { return 0; }\n"):
        """Whether the compiler takes the flag without a warning, and links what it made."""
        with tempfile.TemporaryDirectory() as tmp:
            path = Path(tmp) / "probe.c"
            path.write_text(source)
            try:
                objects = self.compiler.compile(
                    [str(path)], output_dir=tmp, extra_postargs=[flag, "-fPIC", "-Werror"]
                )
                self.compiler.link_shared_object(
                    objects, str(Path(tmp) / "probe.so"), extra_postargs=[flag]
                )
            except Exception:
                return False
        return True


def extension(path):
    name = path.removesuffix(".pyx").replace("/", ".")
    small = ["-O2"] if Path(path).stem in FAST_MODULES else SMALL
    up = "/".join([".."] * (name.count(".") - 1))
    return Extension(
        name,
        [path],
        include_dirs=["csrc/include", "fastnn/_core"],
        libraries=["fastnn"],
        extra_compile_args=[*small, "-g0", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
                            "-Wno-missing-field-initializers", "-Wno-cast-function-type",
                            "-Wno-unused-function", *SANITIZE],
        extra_link_args=[*LINK, f"-Wl,-rpath,$ORIGIN/{up}/lib"],
        depends=["csrc/include/fastnn.h", "csrc/include/fastnn_ops.def"],
    )


setup(
    version=VERSION,
    cmdclass={"build_ext": BuildExt},
    ext_modules=cythonize(
        [extension(p) for p in sorted(glob("fastnn/_core/**/*.pyx", recursive=True))],
        nthreads=JOBS,
        compiler_directives={"language_level": 3, "cdivision": True, "binding": True},
        build_dir="build/cython",
    ),
)
