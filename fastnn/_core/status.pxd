from .fnn cimport fnn_status

# Raise what a status of libfastnn is in Python, with its message; FNN_OK: nothing.
cdef int raise_status(fnn_status st) except -1
