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
SMALL_KERNELS = {"base.c"}
FAST_MODULES = {"tensor", "tape", "activation", "arith", "elementary", "compare", "matmul",
                "softmax", "loss", "classification", "reduce", "optim", "pointwise", "norm"}
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
        args = ["-std=gnu11", *OPT, *WARN, *SANITIZE, "-ffp-contract=off", "-fno-math-errno",
                "-fno-trapping-math", "-fvisibility=hidden"]
        openmp = ["-fopenmp"] if self.has_openmp() else []
        out = Path(self.build_temp) / "csrc"
        groups = {"runtime": ["-Wconversion", "-Wno-sign-conversion"], "ops": [],
                  # gcc would thread jumps through the clamps of exp and leave chains of blends
                  "isa": ["-fno-thread-jumps"] if self.accepts("-fno-thread-jumps") else []}
        headers = [p for e in ("h", "inc", "def") for p in glob(f"csrc/**/*.{e}", recursive=True)]

        def compile_one(source):
            folder, name = Path(source).parent.name, Path(source).name
            small = SMALL if name in SMALL_KERNELS else []
            if SANITIZE and folder == "isa" and name not in SMALL_KERNELS:
                small = ["-fno-sanitize=all"]
            return self.compiler.compile(
                [source],
                output_dir=str(out),
                macros=[("FNN_VERSION_STRING", f'"{VERSION}"')],
                include_dirs=["csrc", "csrc/include"],
                extra_postargs=args
                + small
                + groups[folder]
                + (openmp if folder == "runtime" else []),
                depends=headers,
            )

        sources = [p for folder in groups for p in sorted(glob(f"csrc/{folder}/*.c"))]
        with ThreadPoolExecutor(JOBS) as pool:
            objects = [o for made in pool.map(compile_one, sources) for o in made]
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
