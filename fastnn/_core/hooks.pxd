from .tape cimport Node
from .tensor cimport Tensor

cdef object run_tensor_hooks(Tensor a, Tensor g)
cdef object node_hooks(Node n, object g)
cdef object apply_hooks_of(Node n, int nr, object part)
cdef int run_post_hooks(Tensor leaf) except -1
