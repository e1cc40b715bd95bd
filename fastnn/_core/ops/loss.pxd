cdef int reduction_code(object reduction, object size_average, object reduce) except -1
