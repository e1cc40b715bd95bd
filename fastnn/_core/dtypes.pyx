"""dtype, device and memory_format objects, and the default dtype."""

from .fnn cimport FNN_F32, FNN_NUM_DTYPES, fnn_dtype, fnn_dtype_name, fnn_dtype_size


cdef class dtype:
    """An element type, such as fastnn.float32. Compared by identity."""

    def __init__(self):
        raise TypeError("dtypes are not made; use fastnn.float32 and its siblings")

    def __repr__(self):
        return f"fastnn.{self.name}"

    def __reduce__(self):
        return _dtype_by_name, (self.name,)

    def to_real(self):
        return self


cdef list _dtypes = []
cdef dict _by_name = {}

for _code in range(FNN_NUM_DTYPES):
    _d = dtype.__new__(dtype)
    (<dtype>_d).code = <fnn_dtype>_code
    (<dtype>_d).name = fnn_dtype_name(<fnn_dtype>_code).decode()
    (<dtype>_d).itemsize = fnn_dtype_size(<fnn_dtype>_code)
    (<dtype>_d).is_floating_point = "float" in (<dtype>_d).name
    (<dtype>_d).is_signed = (<dtype>_d).name not in ("uint8", "bool")
    _dtypes.append(_d)
    _by_name[(<dtype>_d).name] = _d


def _dtype_by_name(name):
    return _by_name[name]


cdef dtype dtype_of(int code):
    return <dtype>_dtypes[code]


cdef dtype as_dtype(object value):
    """A fastnn dtype from itself, from float/int/bool, or from a NumPy dtype."""
    if type(value) is dtype:
        return <dtype>value
    if value is float:
        return _default
    if value is int:
        return _by_name["int64"]
    if value is bool:
        return _by_name["bool"]
    name = getattr(value, "name", None) or getattr(value, "__name__", None)
    found = _by_name.get("bool" if name == "bool_" else name)
    if found is None:
        raise TypeError(f"not a dtype that fastnn has: {value!r}")
    return <dtype>found


cdef dtype _default = <dtype>_dtypes[FNN_F32]


cdef int default_code():
    return _default.code


def get_default_dtype():
    """The dtype of floating-point tensors made without one; float32 at start."""
    return _default


def set_default_dtype(d):
    """Set the dtype of floating-point tensors made without one: float32 or float64."""
    global _default
    cdef dtype new = as_dtype(d)
    if new.name not in ("float32", "float64"):
        raise TypeError(f"set_default_dtype: expected float32 or float64, got {new!r}")
    _default = new


cdef class memory_format:
    """How a tensor's dimensions are laid out in memory."""

    def __repr__(self):
        return f"fastnn.{self.name}"

    def __reduce__(self):
        return _format_by_name, (self.name,)


cdef dict _formats = {}

for _name in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format"):
    _f = memory_format.__new__(memory_format)
    (<memory_format>_f).name = _name
    _formats[_name] = _f


def _format_by_name(name):
    return _formats[name]


cdef class device:
    """Where a tensor lives: always the CPU. Any other device raises RuntimeError."""

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = (<device>type).type, (<device>type).index
        kind, _, number = str(type).partition(":")
        if kind != "cpu":
            raise RuntimeError(f"fastnn computes on the CPU; there is no device {type!r}")
        self.type = kind
        self.index = int(number) if number else index

    def __repr__(self):
        tail = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{tail})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and self.type == other.type and (
            self.index == other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __reduce__(self):
        return device, (self.type, self.index)

    def __enter__(self):
        return self  # new tensors are there anyway

    def __exit__(self, *exc):
        pass


public = dict(_by_name)
public.update(_formats)
public.update(float=_by_name["float32"], double=_by_name["float64"], long=_by_name["int64"],
              int=_by_name["int32"], short=_by_name["int16"], half=_by_name["float16"])
