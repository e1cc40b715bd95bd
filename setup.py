"""Builds libfastnn (shared and static) from csrc, then the Cython modules that link to it."""

import hashlib
import os
import shutil
import sys
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
# Python's own flags hold -fwrapv, under which UBSan finds no overflow.
OPT = ["-O1", "-g", "-fno-wrapv"] if SANITIZE else ["-O3", "-g0"]
PLAIN = [] if SANITIZE else ["-O2"]
SMALL = ["-O1"] if SANITIZE else ["-Os"]
# gcc repeats a loop for what is left of a vector, vectorised again and then unrolled: a third of a
# kernel's code for a handful of elements. Only rows are often that short (ten classes).
SHORT = {"rows"}
NO_EPILOGUE = "--param=vect-epilogues-nomask=0"
NO_PEELING = "--param=max-completely-peel-times=4"
NO_UNWIND = "-fno-asynchronous-unwind-tables"  # no exception passes through C
WARN = ["-Wall", "-Wextra", "-Wno-pass-failed"]  # the last: loops that clang leaves scalar
if "--inplace" in sys.argv or os.environ.get("FASTNN_WERROR") == "1":
    WARN.append("-Werror")  # developers and CI; a user's newer compiler knows newer warnings
if SANITIZE:  # instrumented code looks uninitialised to gcc where it is not
    WARN.append("-Wno-maybe-uninitialized")
# Faults that the detectors must find: csrc/runtime/plant.c.
PLANT = [("FNN_PLANT", None)] if os.environ.get("FASTNN_PLANT") == "1" else []
LINK = [*SANITIZE] if SANITIZE else ["-Wl,-s", "-Wl,-z,noseparate-code"]
# The wheel counts every byte. The portable kernels are for processors older than 2013, and what is
# not a fast module spends its time in C, or runs once.
SMALL_KERNELS = {"base"}
FAST_MODULES = {"tensor", "door", "size", "tape", "engine", "gradient", "pointwise", "arith",
                "activation", "compare", "matmul", "reduce", "optim"}
FAST_DRIVERS = {"door", "iter", "overlap", "pointwise", "reduce"}  # of every op, or of most
# What Cython would repeat in every module (its function type, exceptions, calls): made by it, once.
SHARED = "fastnn/_core/shared.c"
PKG_CONFIG = f"""prefix=${{pcfiledir}}/../..
Name: fastnn
Description: A neural-network engine for CPUs
Version: {VERSION}
Cflags: -I${{prefix}}/include
Libs: -L${{prefix}}/lib -lfastnn
Libs.private: -lm -lpthread %s
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
        self.in_tree = self.inplace or getattr(self, "editable_mode", False)
        if self.in_tree:  # keep objects from one build to the next
            self.build_temp = "build/temp"
        super().run()
        if self.in_tree:  # setuptools builds in build_lib and copies only extensions back
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
        if not self.in_tree:
            self.join_modules()
        self.install_for_c()

    def join_modules(self):
        """One shared object in place of one for each module; fastnn/_core finds them in it."""
        sources = [s for ext in self.extensions for s in ext.sources]
        objects = self.compiler.object_filenames(sources, output_dir=self.build_temp)
        for ext in self.extensions:
            os.unlink(self.get_ext_fullpath(ext.name))
        self.compiler.link_shared_object(
            objects, self.get_ext_fullpath("fastnn._core.modules"), libraries=["fastnn"],
            library_dirs=[str(self.lib)], extra_postargs=[*LINK, "-Wl,-rpath,$ORIGIN/../lib"])

    def install_for_c(self):
        """What a C program or another Cython package needs, inside the package."""
        shutil.copytree("csrc/include", self.lib.parent / "include", dirs_exist_ok=True)
        for name, text in (("pkgconfig/fastnn.pc", PKG_CONFIG % " ".join(self.openmp)),
                           ("cmake/fastnn/fastnnConfig.cmake", CMAKE)):  # fmt: skip
            path = self.lib / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def compile_library(self):
        flags = ["-std=gnu11", *OPT, *WARN, *SANITIZE, "-ffp-contract=off", "-fno-math-errno",
                 "-fno-trapping-math", "-fvisibility=hidden", "-fno-semantic-interposition"]
        self.openmp = ["-fopenmp"] if self.has_openmp() else []
        settings = repr([self.compiler.compiler_so, flags, self.openmp, PLANT])
        # other settings, other objects: what is kept from build to build must be what is wanted now
        objects = Path(self.build_temp) / hashlib.sha1(settings.encode()).hexdigest()[:8]
        # gcc would thread jumps through the clamps of exp and leave chains of blends
        clamps = ["-fno-thread-jumps"] if self.accepts("-fno-thread-jumps") else []
        flags += [f for f in (NO_PEELING, NO_UNWIND) if not SANITIZE and self.accepts(f)]
        lean = [NO_EPILOGUE] if self.accepts(NO_EPILOGUE) else []
        jobs = [(p, objects, [*flags, "-Wconversion", "-Wno-sign-conversion", *self.openmp], [])
                for p in glob("csrc/runtime/*.c")]
        jobs += [(p, objects, [*flags, *([] if Path(p).stem in FAST_DRIVERS else PLAIN)], [])
                 for p in glob("csrc/ops/*.c")]
        jobs += [("csrc/isa/tables.c", objects, flags, [])]
        for family in sorted(glob("csrc/kernels/families/*.inc")):
            for isa in ("avx512", "avx2", "neon", "base"):
                more = SMALL if isa in SMALL_KERNELS else [] if Path(family).stem in SHORT else lean
                if SANITIZE and isa not in SMALL_KERNELS:
                    more = ["-fno-sanitize=all"]
                macro = ("FNN_FAMILY", f'"{family.removeprefix("csrc/")}"')
                jobs.append((f"csrc/isa/{isa}.c", objects / Path(family).stem,
                             [*flags, *clamps, *more], [macro]))
        with ThreadPoolExecutor(JOBS) as pool:
            made = sorted(pool.map(lambda job: self.compile_one(*job), jobs))
        self.link_library(made)

    def compile_one(self, source, folder, flags, macros):
        """The object of a source; as it stands where nothing that it was made of is newer."""
        made = folder / Path(source).with_suffix(".o")
        told = made.with_suffix(".d")
        if made.exists() and told.exists():
            parts = told.read_text().replace("\\\n", " ").split(":", 1)[1].split()
            since = made.stat().st_mtime
            if all(os.path.exists(p) and os.path.getmtime(p) < since for p in [*parts, "setup.py"]):
                return str(made)
        self.compiler.compile(
            [source], output_dir=str(folder), include_dirs=["csrc", "csrc/include"],
            macros=[("FNN_VERSION_STRING", f'"{VERSION}"'), *PLANT, *macros],
            extra_postargs=[*flags, "-MMD", "-MF", str(told)])
        return str(made)

    def link_library(self, objects):
        shared = str(self.lib / "libfastnn.so")
        self.compiler.link_shared_object(
            objects,
            shared,
            extra_postargs=[*LINK, *self.openmp, "-lm",
                            "-Wl,-soname,libfastnn.so", "-Wl,-z,nodelete",
                            "-Wl,-Bsymbolic-functions"],
        )
        archive = self.lib / "libfastnn.a"
        archive.unlink(missing_ok=True)
        if not SANITIZE and shutil.which("strip"):  # one object: symbols and relocations are half
            whole = str(Path(self.build_temp) / "fastnn.o")
            self.spawn([self.compiler.compiler_so[0], "-r", "-nostdlib", "-o", whole, *objects])
            self.spawn(["strip", "--strip-unneeded", whole])
            objects = [whole]
        self.compiler.create_static_lib(objects, "fastnn", output_dir=str(self.lib))

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
    name = os.path.splitext(path)[0].replace("/", ".")
    small = ["-O2"] if Path(path).stem in FAST_MODULES else SMALL
    small = small if SANITIZE else [*small, NO_UNWIND]
    up = "/".join([".."] * (name.count(".") - 1))
    return Extension(
        name,
        [path],
        include_dirs=["csrc/include", "fastnn/_core"],
        libraries=["fastnn"],
        # gcc would clear each new object by rep stos, whose start takes 12 ns
        extra_compile_args=[*small, "-fno-builtin-memset", "-g0", *WARN, "-Wno-unused-parameter",
                            "-Wno-missing-field-initializers", "-Wno-cast-function-type",
                            "-Wno-unused-function", *SANITIZE],
        extra_link_args=[*LINK, f"-Wl,-rpath,$ORIGIN/{up}/lib"],
        depends=["csrc/include/fastnn.h", "csrc/include/fastnn_ops.def", "setup.py"],
    )


setup(
    version=VERSION,
    cmdclass={"build_ext": BuildExt},
    ext_modules=cythonize(
        [extension(p) for p in [*sorted(glob("fastnn/_core/**/*.pyx", recursive=True)), SHARED]],
        nthreads=JOBS,
        compiler_directives={"language_level": 3, "cdivision": True, "binding": True,
                             "auto_pickle": False},
        build_dir="build/cython",
        shared_utility_qualified_name=extension(SHARED).name,
        shared_utility_features_disabled=["MemoryView"],
    ),
)
