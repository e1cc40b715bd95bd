from libc.stdint cimport int64_t, uint32_t

from .fnn cimport fnn_context, fnn_tensor


cdef class Tensor:
    cdef fnn_tensor t
    cdef object fn            # Node that made this value, or None
    cdef Tensor gradient      # .grad
    cdef Tensor base          # the root tensor of which this is a view, or None
    cdef object hooks         # dict of gradient hooks, or None
    cdef object post_hooks    # dict of hooks that run after .grad was updated, or None
    cdef object __weakref__
    cdef uint32_t view_version  # of a view: storage version that `fn` belongs to
    cdef int out_nr           # which output of `fn`
    cdef bint req             # requires grad
    cdef bint keep_grad       # retain_grad() was called on a non-leaf

ctypedef object (*unary_slot)(Tensor)
ctypedef object (*binary_slot)(object, object)
ctypedef int (*refresh_slot)(Tensor) except -1
ctypedef int (*setitem_slot)(Tensor, object, object) except -1
ctypedef Tensor (*construct_slot)(tuple args, object dtype, object device)

# Operators are implemented by the op modules, which put their functions here when imported.
cdef struct Slots:
    binary_slot add, sub, mul, truediv, floordiv, mod, pow, matmul
    binary_slot and_, or_, xor, lshift, rshift
    unary_slot neg, abs, invert
    binary_slot iadd, isub, imul, itruediv, ifloordiv, imod, ipow, iand, ior, ixor
    binary_slot compare[6]
    binary_slot getitem
    setitem_slot setitem
    refresh_slot refresh      # views.pyx: bring the history of a view up to date
    construct_slot construct  # convert.pyx: Tensor(...)

cdef Slots slots


cdef inline bint wants(Tensor a) except -1:
    """Whether a requires grad; the history of a view is brought up to date first."""
    if a.base is not None and a.view_version != a.t.storage.version:
        slots.refresh(a)
    return a.req


cdef fnn_context *ctx() noexcept

# ---- making tensors
cdef Tensor empty_tensor(int dtype, int ndim, const int64_t *size)
cdef Tensor alias(Tensor a)                      # same memory and geometry, no history
cdef Tensor view_of(Tensor a, int64_t offset, int ndim, const int64_t *size, const int64_t *stride)
cdef bint is_float(Tensor a) noexcept
cdef int wrap_dim(object dim, int ndim) except -1
