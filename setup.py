"""Builds libfastnn (shared and static) from csrc, then the Cython modules that link to it."""

import os
import shutil
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # pip builds from elsewhere
from tools.build import embedding, modules  # noqa: E402
from tools.build.flags import JOBS, SANITIZE, VERSION, Compiler  # noqa: E402
from tools.build.library import Library  # noqa: E402


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
        compiler = Compiler(self.compiler)
        Library(compiler, self.lib, self.build_temp).build()
        whole = [] if self.in_tree or SANITIZE else compiler.known(modules.WHOLE)
        for ext in self.extensions:
            ext.library_dirs.append(str(self.lib))
            ext.extra_compile_args += whole
            ext.extra_link_args += whole
        super().build_extensions()
        if not self.in_tree:
            modules.join(self, self.compiler, self.lib, whole)
        embedding.install(self.lib, compiler.openmp)


setup(
    version=VERSION,
    cmdclass={"build_ext": BuildExt},
    ext_modules=cythonize(modules.extensions(), nthreads=JOBS, **modules.CYTHON),
)
