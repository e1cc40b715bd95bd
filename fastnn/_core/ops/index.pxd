from ..tensor cimport Tensor

# x[..., tensors[k] at dims[k], ...]; dims ascend
cdef Tensor c_index(Tensor x, list dims, list tensors)
cdef Tensor c_index_put_(Tensor x, list dims, list tensors, Tensor value, bint accumulate)
cdef Tensor c_masked_select(Tensor x, Tensor mask)
