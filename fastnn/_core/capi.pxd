from .fnn cimport fnn_tensor

# The descriptor of a Tensor, valid while the Tensor lives. TypeError for anything else.
cdef const fnn_tensor *descriptor(object tensor) except NULL
# A Tensor over a descriptor that its caller owns; its reference to the storage is taken over.
cdef object from_descriptor(fnn_tensor *t)
