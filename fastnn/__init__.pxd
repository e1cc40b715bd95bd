# What other Cython packages see: from fastnn cimport fnn_run, fnn_tensor, descriptor, ...
# The C functions of fastnn.h, and the way from a Tensor to its descriptor and back. Compile with
# fastnn.get_include() and link with fastnn.get_lib() (docs/embedding.md).
from fastnn._core.fnn cimport *
from fastnn._core.capi cimport descriptor, from_descriptor
