"""Gradients as values: sums of them, and the shape and dtype of what they belong to."""

from cpython.ref cimport PyObject
from libc.stdint cimport int64_t

from .door cimport attr_i, attr_ints, attr_scalar, run1, run2, run_into
from .dtypes cimport dtype_of
from .fnn cimport (fnn_attr, fnn_op, fnn_op_find, fnn_tensor, fnn_tensor_is_contiguous,
                  fnn_tensor_numel)
from .tape cimport Node
from .tensor cimport Tensor, ctx, empty_tensor, slots, view_of, wants

cdef extern from "fastnn.h":
    enum:
        FNN_OP_fill_, FNN_OP_clone, FNN_OP_copy_, FNN_OP_cast

cdef fnn_op FNN_OP_add = fnn_op_find(b"add")
cdef fnn_op FNN_OP_sum = fnn_op_find(b"sum")

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)

cdef fnn_attr contiguous[1]
contiguous[0] = attr_i(1)


cdef Tensor add_grads(Tensor a, Tensor b):
    """a + b."""
    cdef fnn_attr attr[1]
    if ctx().grad_mode:
        return <Tensor>slots.add(a, b)
    attr[0] = attr_i(0)
    return run2(FNN_OP_add, a, b, attr)


cdef Tensor reduce_to(Tensor g, int ndim, const int64_t *size):
    """Sum g over the dimensions in which `size` was broadcast to g's shape."""
    cdef int64_t dims[8]
    cdef int n = 0, i, lead = g.t.ndim - ndim
    cdef fnn_attr attr[3]
    cdef Tensor y
    for i in range(g.t.ndim):
        if i < lead or (size[i - lead] == 1 and g.t.size[i] != 1):
            dims[n] = i
            n += 1
    if ctx().grad_mode and wants(g):
        y = g.sum([dims[i] for i in range(n)], True) if n else g
        return y.reshape([size[i] for i in range(ndim)])
    y = g
    if n:
        attr[0] = attr_ints(dims, n)
        attr[1] = attr_i(1)
        attr[2] = attr_i(-1)
        y = run1(FNN_OP_sum, g, attr)
    if lead:
        y = view_of(y, y.t.offset, ndim, size, y.t.stride + lead)
        y.base = None
    return y


cdef Tensor fit(Tensor g, Node n, int ndim, const int64_t *size, int code):
    """g with the shape and dtype of the value it is the gradient of."""
    cdef int i, lead = g.t.ndim - ndim
    cdef bint same = lead == 0
    cdef fnn_attr attr[1]
    for i in range(ndim):
        same = same and g.t.size[i + lead] == size[i]
    if not same:
        for i in range(ndim):
            if lead < 0 or (size[i] != 1 and size[i] != g.t.size[i + lead]):
                raise RuntimeError(
                    f"{n.label.decode()}: got a gradient of shape {tuple(g.shape)} for a value of "
                    f"shape {tuple([size[j] for j in range(ndim)])}")
        g = reduce_to(g, ndim, size)
    if g.t.dtype != code:
        if ctx().grad_mode and wants(g):
            return g.to(dtype=dtype_of(code))
        attr[0] = attr_i(code)
        g = run1(FNN_OP_cast, g, attr)
    return g


cdef Tensor filled(int code, int ndim, const int64_t *size, object v):
    cdef Tensor y = empty_tensor(code, ndim, size)
    cdef fnn_attr attr[1]
    attr[0] = attr_scalar(v)
    return run_into(FNN_OP_fill_, y, None, None, None, attr)


cdef Tensor seed_gradient(Tensor root, object g):
    """The gradient that a backward pass starts with."""
    if g is not None:
        if not isinstance(g, Tensor):
            raise TypeError(f"gradients must be tensors or None, not {type(g).__name__}")
        if (<Tensor>g).shape != root.shape:
            raise RuntimeError(f"the gradient's shape {tuple(g.shape)} is not the tensor's "
                               f"{tuple(root.shape)}")
        if (<Tensor>g).t.dtype != root.t.dtype:
            return g.to(dtype=dtype_of(root.t.dtype))
        return <Tensor>g
    if fnn_tensor_numel(&root.t) != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs, not for shape "
                           f"{tuple(root.shape)}")
    return filled(root.t.dtype, root.t.ndim, root.t.size, 1)


cdef bint is_dense(const fnn_tensor *t):
    """Whether t's strides fill its memory without gaps, in some order of dimensions."""
    cdef int64_t filled = 1
    cdef int d, n
    for n in range(t.ndim):
        for d in range(t.ndim):  # the next dimension outward
            if t.stride[d] == filled and t.size[d] > 1:
                filled *= t.size[d]
                break
    return filled == fnn_tensor_numel(t)


cdef bint lies_like(const fnn_tensor *g, const fnn_tensor *leaf):
    """Whether g has the strides of its leaf, or is contiguous where the leaf has gaps."""
    cdef int d
    if fnn_tensor_is_contiguous(leaf) or not is_dense(leaf):
        return fnn_tensor_is_contiguous(g)
    for d in range(g.ndim):
        if g.stride[d] != leaf.stride[d] and g.size[d] != 1:
            return False
    return True


cdef Tensor like_leaf(Tensor g, Tensor leaf):
    """A copy of g that lies like its leaf."""
    cdef int d
    cdef Tensor y
    if fnn_tensor_is_contiguous(&leaf.t) or not is_dense(&leaf.t):
        return run1(FNN_OP_clone, g, contiguous)
    y = empty_tensor(g.t.dtype, g.t.ndim, g.t.size)
    for d in range(g.t.ndim):
        y.t.stride[d] = leaf.t.stride[d]
    return run_into(FNN_OP_copy_, y, g)


cdef int accumulate_grad(Tensor leaf, Tensor g, bint create) except -1:
    """leaf.grad += g; a gradient of its own becomes leaf.grad without a copy. leaf.grad has the
    leaf's strides, so that later steps find both in one order."""
    cdef fnn_attr attr[1]
    if leaf.gradient is None:
        if create:
            leaf.gradient = g
        elif Py_REFCNT(<PyObject *>g) == 1 and g.t.storage.refcount == 1 and (
                g.base is None and not g.req and lies_like(&g.t, &leaf.t)):
            leaf.gradient = g
        else:
            leaf.gradient = like_leaf(g, leaf)
        return 0
    if create:
        leaf.gradient = add_grads(leaf.gradient, g)
        return 0
    attr[0] = attr_i(0)
    if leaf.gradient.fn is not None:
        leaf.gradient = run2(FNN_OP_add, leaf.gradient, g, attr)
    else:
        run_into(FNN_OP_add, leaf.gradient, leaf.gradient, g, None, attr)
    return 0
