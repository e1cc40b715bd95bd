from libc.stdint cimport int64_t

from ..fnn cimport fnn_attr
from ..tape cimport Node
from ..tensor cimport Tensor

# Which dimensions a reduction goes over, as its instruction wants them.
cdef struct Dims:
    int n                 # 0: all of them
    int64_t dim[8]
    unsigned mask         # bit d: dimension d is reduced
    bint keepdim

cdef int parse_dims(Tensor x, object dim, bint keepdim, Dims *out) except -1
cdef int fill_attrs(const Dims *d, fnn_attr *attr) noexcept
cdef int remember(Node n, const Dims *d) except -1
cdef int64_t reduced_count(Node n) except -1
cdef Tensor spread(Node n, Tensor g)
cdef Tensor keep(Node n, Tensor y)
cdef list reduced_dims(Node n)
cdef object give(Tensor y, object out)
