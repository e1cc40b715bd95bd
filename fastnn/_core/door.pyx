"""Running an instruction: operands and attributes as C has them, fnn_run, results as Tensors."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc

from .fnn cimport (FNN_OK, fnn_attr, fnn_call, fnn_op, fnn_run, fnn_status, fnn_tensor,
                   fnn_tensor_numel)
from .status cimport raise_status

cdef enum:
    # Elements above which other Python threads may run meanwhile (giving up the GIL costs 30 ns).
    RELEASE_ABOVE = 16384


cdef int door(fnn_call *c, bint release_gil) except -1:
    cdef fnn_status st
    if release_gil:
        with nogil:
            st = fnn_run(c)
    else:
        st = fnn_run(c)
    if st != FNN_OK:
        raise_status(st)
    return 0


cdef fnn_attr attr_i(int64_t v) noexcept:
    cdef fnn_attr a
    a.v.i = v
    a.n = 0
    return a


cdef fnn_attr attr_f(double v) noexcept:
    cdef fnn_attr a
    a.v.f = v
    a.n = 0
    return a


cdef fnn_attr attr_ints(const int64_t *v, int64_t n) noexcept:
    cdef fnn_attr a
    a.v.ints = v
    a.n = n
    return a


cdef fnn_attr attr_scalar(object v) except *:
    cdef fnn_attr a
    if type(v) is float:
        a.v.f = v
        a.n = 1
    elif type(v) is bool:
        a.v.i = v
        a.n = 2
    elif isinstance(v, int) or hasattr(v, "__index__"):
        a.v.i = v
        a.n = 0
    else:
        a.v.f = float(v)
        a.n = 1
    return a


cdef inline const fnn_tensor *desc(Tensor a) noexcept:
    return NULL if a is None else &a.t


cdef inline bint large(Tensor a) noexcept:
    return a is not None and fnn_tensor_numel(&a.t) > RELEASE_ABOVE


cdef Tensor run1(fnn_op op, Tensor a, const fnn_attr *attr=NULL):
    """A new tensor: op(a)."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[1]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a)
    outs[0] = &y.t
    c.op = op; c.nin = 1; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, large(a))
    return y


cdef Tensor run2(fnn_op op, Tensor a, Tensor b, const fnn_attr *attr=NULL):
    """A new tensor: op(a, b); None stands for an operand that is absent."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[2]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a); ins[1] = desc(b)
    outs[0] = &y.t
    c.op = op; c.nin = 2; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, large(a) or large(b))
    return y


cdef Tensor run3(fnn_op op, Tensor a, Tensor b, Tensor d, const fnn_attr *attr=NULL):
    """A new tensor: op(a, b, d)."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[3]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a); ins[1] = desc(b); ins[2] = desc(d)
    outs[0] = &y.t
    c.op = op; c.nin = 3; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, large(a) or large(b) or large(d))
    return y


cdef Tensor run_into(fnn_op op, Tensor out, Tensor a, Tensor b=None, Tensor d=None,
                     const fnn_attr *attr=NULL):
    """out[...] = op(a, b, d) in out's memory; trailing operands may be absent."""
    cdef const fnn_tensor *ins[3]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a); ins[1] = desc(b); ins[2] = desc(d)
    outs[0] = &out.t
    c.op = op; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    c.nin = 3 if d is not None else 2 if b is not None else 1 if a is not None else 0
    door(&c, large(out))
    return out


cdef enum:
    MANY = 64  # operands that fit on the stack


cdef int call_lists(fnn_op op, list ins, list outs, const fnn_attr *attr) except -1:
    cdef const fnn_tensor *few_in[MANY]
    cdef fnn_tensor *few_out[MANY]
    cdef const fnn_tensor **pin = few_in
    cdef fnn_tensor **pout = few_out
    cdef fnn_call c
    cdef Py_ssize_t i
    cdef Tensor a
    cdef bint big = False
    c.op = op; c.nin = <int>len(ins); c.nout = <int>len(outs); c.attr = attr
    if c.nin > MANY:
        pin = <const fnn_tensor **>PyMem_Malloc(c.nin * sizeof(void *))
    if c.nout > MANY:
        pout = <fnn_tensor **>PyMem_Malloc(c.nout * sizeof(void *))
    try:
        if pin == NULL or pout == NULL:
            raise MemoryError
        for i in range(c.nin):
            a = <Tensor?>ins[i] if ins[i] is not None else None
            pin[i] = desc(a)
            big = big or large(a)
        for i in range(c.nout):
            a = <Tensor?>outs[i] if outs[i] is not None else None
            pout[i] = NULL if a is None else &a.t
            big = big or (a is not None and a.t.storage != NULL and large(a))
        c.ins = pin
        c.out = pout
        door(&c, big)
    finally:
        if pin != few_in:
            PyMem_Free(pin)
        if pout != few_out:
            PyMem_Free(pout)
    return 0


cdef list run_many(fnn_op op, list ins, int nout, const fnn_attr *attr=NULL):
    """nout new tensors: op(*ins); None in ins stands for an absent operand."""
    cdef list outs = [Tensor.__new__(Tensor) for _ in range(nout)]
    call_lists(op, ins, outs, attr)
    return outs


cdef int run_given(fnn_op op, list ins, list outs, const fnn_attr *attr=NULL) except -1:
    """op(*ins) into the given tensors; a None in outs is an output that is not wanted."""
    return call_lists(op, ins, outs, attr)
