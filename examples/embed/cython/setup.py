"""python setup.py build_ext --inplace"""

from Cython.Build import cythonize
from setuptools import Extension, setup

import fastnn

setup(
    name="rows",
    ext_modules=cythonize(
        [
            Extension(
                "rows",
                ["rows.pyx"],
                include_dirs=[fastnn.get_include()],
                library_dirs=[fastnn.get_lib()],
                runtime_library_dirs=[fastnn.get_lib()],
                libraries=["fastnn"],
            )
        ],
        language_level=3,
    ),
)
