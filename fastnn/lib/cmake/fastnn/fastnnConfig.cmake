add_library(fastnn::fastnn SHARED IMPORTED)
get_filename_component(_fastnn "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set_target_properties(fastnn::fastnn PROPERTIES
  IMPORTED_LOCATION "${_fastnn}/lib/libfastnn.so"
  INTERFACE_INCLUDE_DIRECTORIES "${_fastnn}/include")
