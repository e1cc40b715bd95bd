"""What a C program or another Cython package needs, inside the package."""

import shutil

from .flags import VERSION

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


def install(lib, openmp):
    shutil.copytree("csrc/include", lib.parent / "include", dirs_exist_ok=True)
    for name, text in (("pkgconfig/fastnn.pc", PKG_CONFIG % " ".join(openmp)),
                       ("cmake/fastnn/fastnnConfig.cmake", CMAKE)):  # fmt: skip
        path = lib / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
