"""Statuses of libfastnn as exceptions, and whether the libfastnn found is the one built for."""

from .fnn cimport (FNN_ABI_VERSION, FNN_EINDEX, FNN_ENOMEM, FNN_ENOTIMPL, FNN_ETYPE, FNN_EVALUE,
                   FNN_OK, fnn_abi_version, fnn_check_environment, fnn_last_error)


class DTypeError(TypeError, RuntimeError):
    """A dtype that an op does not take. Programs may expect either: PyTorch has a RuntimeError."""


_exceptions = {FNN_EVALUE: ValueError, FNN_ETYPE: DTypeError, FNN_EINDEX: IndexError,
               FNN_ENOMEM: MemoryError, FNN_ENOTIMPL: NotImplementedError}


cdef int raise_status(fnn_status st) except -1:
    if st == FNN_OK:
        return 0
    message = fnn_last_error().decode("utf-8", "replace")
    raise _exceptions.get(st, RuntimeError)(message)


if fnn_abi_version() != FNN_ABI_VERSION:
    raise ImportError(f"fastnn was built for version {FNN_ABI_VERSION} of libfastnn's interface, "
                      f"but the libfastnn found has version {fnn_abi_version()}")
raise_status(fnn_check_environment())
