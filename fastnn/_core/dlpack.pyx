"""DLPack exchange: tensors to and from other array libraries without a copy.

https://dmlc.github.io/dlpack/latest/ (the unversioned structures, which every reader takes).
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport (PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_New,
                                PyCapsule_SetName)
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

from .fnn cimport (FNN_BF16, FNN_BOOL, FNN_F16, FNN_F32, FNN_F64, FNN_I8, FNN_I16, FNN_I32,
                   FNN_I64, FNN_U8, fnn_dtype, fnn_dtype_size, fnn_storage, fnn_storage_borrow,
                   fnn_storage_release, fnn_storage_retain, fnn_tensor, fnn_tensor_data,
                   fnn_tensor_view)
from .status cimport raise_status
from .tensor cimport Tensor, wants
from .tensor import register

cdef extern from *:
    """
    typedef struct { int32_t device_type, device_id; } DLDevice;
    typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
    typedef struct {
      void *data; DLDevice device; int32_t ndim; DLDataType dtype;
      int64_t *shape, *strides; uint64_t byte_offset;
    } DLTensor;
    typedef struct DLManagedTensor {
      DLTensor dl_tensor; void *manager_ctx; void (*deleter)(struct DLManagedTensor *);
    } DLManagedTensor;
    """
    ctypedef struct DLDevice:
        int32_t device_type, device_id
    ctypedef struct DLDataType:
        uint8_t code, bits
        uint16_t lanes
    ctypedef struct DLTensor:
        void *data
        DLDevice device
        int32_t ndim
        DLDataType dtype
        int64_t *shape
        int64_t *strides
        uint64_t byte_offset
    ctypedef struct DLManagedTensor:
        DLTensor dl_tensor
        void *manager_ctx
        void (*deleter)(DLManagedTensor *) noexcept

cdef enum:
    CPU = 1
    INT = 0
    UINT = 1
    FLOAT = 2
    BFLOAT = 4
    BOOL = 6


# What is given away: the structure, the shape it points to, and a reference to the storage.
cdef struct Shared:
    DLManagedTensor managed
    fnn_storage *storage
    int64_t shape[8]
    int64_t strides[8]


cdef void free_shared(DLManagedTensor *m) noexcept with gil:
    fnn_storage_release((<Shared *>m).storage)
    PyMem_Free(m)


cdef void free_capsule(object capsule) noexcept:
    cdef DLManagedTensor *m
    if PyCapsule_IsValid(capsule, b"dltensor"):  # nobody took it
        m = <DLManagedTensor *>PyCapsule_GetPointer(capsule, b"dltensor")
        m.deleter(m)


cdef int kind_of(int code) noexcept:
    if code == FNN_F32 or code == FNN_F64 or code == FNN_F16:
        return FLOAT
    if code == FNN_BF16:
        return BFLOAT
    if code == FNN_BOOL:
        return BOOL
    return UINT if code == FNN_U8 else INT


def to_dlpack(Tensor self not None, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A capsule over this tensor's memory. Raises BufferError if it requires grad."""
    cdef Tensor t = self
    cdef Shared *s
    cdef int i
    if wants(t):
        raise BufferError("can't export a tensor that requires grad; use tensor.detach()")
    if dl_device is not None and tuple(dl_device) != (CPU, 0):
        raise BufferError(f"fastnn computes on the CPU; there is no device {dl_device}")
    if copy:
        t = t.clone()
    s = <Shared *>PyMem_Malloc(sizeof(Shared))
    if s == NULL:
        raise MemoryError
    s.storage = t.t.storage
    fnn_storage_retain(s.storage)
    for i in range(t.t.ndim):
        s.shape[i] = t.t.size[i]
        s.strides[i] = t.t.stride[i]
    s.managed.dl_tensor.data = fnn_tensor_data(&t.t)
    s.managed.dl_tensor.device.device_type = CPU
    s.managed.dl_tensor.device.device_id = 0
    s.managed.dl_tensor.ndim = t.t.ndim
    s.managed.dl_tensor.dtype.code = kind_of(t.t.dtype)
    s.managed.dl_tensor.dtype.bits = <uint8_t>(8 * fnn_dtype_size(<fnn_dtype>t.t.dtype))
    s.managed.dl_tensor.dtype.lanes = 1
    s.managed.dl_tensor.shape = s.shape
    s.managed.dl_tensor.strides = s.strides
    s.managed.dl_tensor.byte_offset = 0
    s.managed.manager_ctx = s
    s.managed.deleter = free_shared
    return PyCapsule_New(s, b"dltensor", free_capsule)


def dlpack_device(Tensor self not None):
    """(1, 0): the CPU."""
    return CPU, 0


cdef int code_of(DLDataType d) except -1:
    if d.lanes == 1:
        for code in range(10):
            if kind_of(code) == d.code and 8 * fnn_dtype_size(<fnn_dtype>code) == d.bits:
                return code
    raise TypeError(f"from_dlpack: no dtype for DLPack code {d.code} with {d.bits} bits and "
                    f"{d.lanes} lanes")


cdef void give_back(void *p) noexcept with gil:
    cdef DLManagedTensor *m = <DLManagedTensor *>p
    if m.deleter != NULL:
        m.deleter(m)


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor that shares memory with an object that has __dlpack__, or with a capsule."""
    cdef DLManagedTensor *m
    cdef DLTensor *d
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef fnn_storage *s
    cdef int64_t stride[8]
    cdef int64_t low = 0, high = 0, item, n = 1, step = 1
    cdef int i, code
    if hasattr(ext_tensor, "__dlpack_device__") and tuple(
            ext_tensor.__dlpack_device__())[0] != CPU:
        raise BufferError("fastnn computes on the CPU; the object is on another device")
    capsule = ext_tensor.__dlpack__() if hasattr(ext_tensor, "__dlpack__") else ext_tensor
    if not PyCapsule_IsValid(capsule, b"dltensor"):
        raise ValueError("from_dlpack: expected an object with __dlpack__, or a capsule that has "
                         "not been used")
    m = <DLManagedTensor *>PyCapsule_GetPointer(capsule, b"dltensor")
    d = &m.dl_tensor
    code = code_of(d.dtype)
    item = fnn_dtype_size(<fnn_dtype>code)
    if d.ndim < 0 or d.ndim > 8:
        raise ValueError(f"from_dlpack: {d.ndim} dimensions; a tensor has at most 8")
    for i in range(d.ndim - 1, -1, -1):
        stride[i] = step if d.strides == NULL else d.strides[i]
        step *= d.shape[i]
        n *= d.shape[i]
        if d.shape[i] > 1:
            if stride[i] < 0:
                low += (d.shape[i] - 1) * stride[i]
            else:
                high += (d.shape[i] - 1) * stride[i]
    if n == 0:
        low = high = 0
    s = fnn_storage_borrow(<char *>d.data + d.byte_offset + low * item,
                           (high - low + 1) * item if n else 0, True, give_back, m)
    if s == NULL:
        raise MemoryError
    PyCapsule_SetName(capsule, b"used_dltensor")
    try:
        raise_status(fnn_tensor_view(&y.t, s, -low * item, <fnn_dtype>code, d.ndim, d.shape,
                                     stride))
    finally:
        fnn_storage_release(s)
    return y.clone() if copy else y


register("__dlpack__", to_dlpack)
register("__dlpack_device__", dlpack_device)
