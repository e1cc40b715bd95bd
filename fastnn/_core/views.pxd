from .tape cimport Node, vjp_fn
from .tensor cimport Tensor

# In-place ops: check before the write, give a new history after it.
cdef int check_inplace(Tensor a) except -1
cdef Node record_inplace(vjp_fn vjp, const char *name, Tensor out, Tensor b=*, Tensor c=*)
