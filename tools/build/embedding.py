"""What a C program or another Cython package needs, inside the package."""

import shutil

from .flags import VERSION

PKG_CONFIG = f"""prefix=${{pcfiledir}}/../..
libdir=${{prefix}}/lib
Name: fastnn
Description: A neural-network engine for CPUs
Version: {VERSION}
Cflags: -I${{prefix}}/include
Libs: """
SHARED = "-L${libdir} -Wl,-rpath,${libdir} -lfastnn\n"
STATIC = "${libdir}/libfastnn.a %s\n"
NEEDED = ["-lm", "-lpthread"]  # by the static library; the shared one names them itself

# fastnn::fastnn, and fastnn::static
CMAKE = """get_filename_component(_fastnn "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
foreach(_kind SHARED STATIC)
  if(_kind STREQUAL "SHARED")
    set(_name fastnn::fastnn)
    set(_file libfastnn.so)
  else()
    set(_name fastnn::static)
    set(_file libfastnn.a)
  endif()
  if(NOT TARGET ${_name})
    add_library(${_name} ${_kind} IMPORTED)
    set_target_properties(${_name} PROPERTIES
      IMPORTED_LOCATION "${_fastnn}/lib/${_file}"
      INTERFACE_INCLUDE_DIRECTORIES "${_fastnn}/include")
  endif()
endforeach()
set_property(TARGET fastnn::static PROPERTY INTERFACE_LINK_LIBRARIES "%s")
"""
# Before 1.0 a version goes with its own minor version alone.
CMAKE_VERSION = f"""set(PACKAGE_VERSION {VERSION})
string(REGEX MATCH "^[0-9]+\\\\.[0-9]+" _have "${{PACKAGE_VERSION}}")
string(REGEX MATCH "^[0-9]+\\\\.[0-9]+" _want "${{PACKAGE_FIND_VERSION}}.0")
if(_have STREQUAL _want AND NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
"""


def install(lib, openmp):
    shutil.copytree("csrc/include", lib.parent / "include", dirs_exist_ok=True)
    needed = [*openmp, *NEEDED]
    for name, text in (("pkgconfig/fastnn.pc", PKG_CONFIG + SHARED),
                       ("pkgconfig/fastnn-static.pc", PKG_CONFIG + STATIC % " ".join(needed)),
                       ("cmake/fastnn/fastnnConfig.cmake", CMAKE % ";".join(needed)),
                       ("cmake/fastnn/fastnnConfigVersion.cmake", CMAKE_VERSION)):  # fmt: skip
        path = lib / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
