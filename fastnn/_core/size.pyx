"""Size: the shape of a tensor as Python sees it."""

from cpython.ref cimport Py_INCREF

cdef extern from "Python.h":
    void PyTuple_SET_ITEM(object, Py_ssize_t, object)

cdef extern from *:
    """
    /* A tuple subclass of n empty slots, without the constructor's detour. */
    static PyObject *fnn_new_tuple(PyObject *type, Py_ssize_t n) {
      return ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, n);
    }
    """
    object fnn_new_tuple(object type, Py_ssize_t n)


class Size(tuple):
    """The shape of a tensor: a tuple of ints."""

    __slots__ = ()

    def numel(self):
        """Number of elements: the product of the sizes."""
        n = 1
        for s in self:
            n *= s
        return n

    def __repr__(self):
        return f"fastnn.Size({list(self)})"

    def __getitem__(self, i):
        got = tuple.__getitem__(self, i)
        return Size(got) if isinstance(i, slice) else got

    def __add__(self, other):
        return Size(tuple.__add__(self, other))

    def __reduce__(self):
        return Size, (tuple(self),)


cdef object _size_type = Size


cdef object size_tuple(int n, const int64_t *v):
    cdef object out = fnn_new_tuple(_size_type, n)
    cdef object item  # typed: were it inferred to be an int64_t, each use would be a new object
    cdef int i
    for i in range(n):
        item = v[i]
        Py_INCREF(item)
        PyTuple_SET_ITEM(out, i, item)
    return out
