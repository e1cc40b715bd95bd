"""Host ops: what NumPy computes. The observers of the thread see them, and may refuse."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc

from .convert cimport from_array
from .fnn cimport (FNN_ERUNTIME, FNN_NUM_OPS, FNN_OK, fnn_call, fnn_host_begin, fnn_host_end,
                   fnn_host_op, fnn_op, fnn_tensor)
from .status cimport raise_status
from .tensor cimport Tensor

import numpy as np

cdef dict _ops = {}    # name -> op
cdef list _names = []  # the names as bytes, which C keeps pointers to


cdef fnn_op op_of(str name) except *:
    op = _ops.get(name)
    if op is None:
        _names.append(name.encode())
        op = fnn_host_op(_names[-1])
        if op == FNN_NUM_OPS:
            raise_status(FNN_ERUNTIME)
        _ops[name] = op
    return <fnn_op><int>op


cdef Tensor made(object value):
    """A tensor of a result, which may be a scalar, a view, or one of the operands."""
    array = np.asarray(value)
    if not (array.flags.owndata and array.flags.c_contiguous and array.flags.writeable):
        array = np.array(array, order="C")
    return from_array(array)


def host_op(str name, function, *args):
    """function(*args), its tensors handed over as arrays, its result back as tensors.

    A result that is a tuple becomes a tuple of tensors, None stays. Raises what function raises,
    or RuntimeError where an observer refuses the op.
    """
    cdef list ins = [a for a in args if isinstance(a, Tensor)]
    cdef tuple outs = ()
    cdef const fnn_tensor **pointers = <const fnn_tensor **>PyMem_Malloc(
        (len(ins) + 1) * sizeof(void *))
    cdef const fnn_tensor **results = NULL
    cdef fnn_call c
    cdef Py_ssize_t i
    if pointers == NULL:
        raise MemoryError
    try:
        for i in range(len(ins)):
            pointers[i] = &(<Tensor>ins[i]).t
        c.op = op_of(name)
        c.nin = <int>len(ins)
        c.nout = 0
        c.ins = pointers
        c.out = NULL
        c.attr = NULL
        raise_status(fnn_host_begin(&c))
        try:
            got = function(*[a.detach().numpy() if isinstance(a, Tensor) else a for a in args])
            if got is not None:
                outs = tuple([made(x) for x in got]) if isinstance(got, tuple) else (made(got),)
            results = <const fnn_tensor **>PyMem_Malloc((len(outs) + 1) * sizeof(void *))
            if results == NULL:
                raise MemoryError
        except BaseException:
            fnn_host_end(&c, FNN_ERUNTIME)
            raise
        for i in range(len(outs)):
            results[i] = &(<Tensor>outs[i]).t
        c.nout = <int>len(outs)
        c.out = <fnn_tensor **>results
        fnn_host_end(&c, FNN_OK)
    finally:
        PyMem_Free(pointers)
        PyMem_Free(results)
    return None if got is None else outs if isinstance(got, tuple) else outs[0]
