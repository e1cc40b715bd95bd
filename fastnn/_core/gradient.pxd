from libc.stdint cimport int64_t

from .tape cimport Node
from .tensor cimport Tensor

cdef Tensor add_grads(Tensor a, Tensor b)
cdef Tensor reduce_to(Tensor g, int ndim, const int64_t *size)

cdef inline bint fits(Tensor g, int ndim, const int64_t *size, int code) noexcept:
    """Whether g has this shape and dtype."""
    cdef int i
    if g.t.ndim != ndim or g.t.dtype != code:
        return False
    for i in range(ndim):
        if g.t.size[i] != size[i]:
            return False
    return True

cdef Tensor fit(Tensor g, Node n, int ndim, const int64_t *size, int code)
cdef Tensor filled(int code, int ndim, const int64_t *size, object v)
cdef Tensor seed_gradient(Tensor root, object g)
cdef int accumulate_grad(Tensor leaf, Tensor g, bint create) except -1
