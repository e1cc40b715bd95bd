"""What stubs cannot read off the modules: types of parameters by name, of results by function."""

PARAMETERS = {
    **dict.fromkeys(
        ("input", "weight", "bias", "target", "mat", "mat1", "mat2", "vec", "vec1", "vec2",
         "batch1", "batch2", "mask", "condition", "boundaries", "sorted_sequence"),
        "Tensor",
    ),
    "running_mean": "Tensor | None",
    "running_var": "Tensor | None",
    "p": "Any",
    **dict.fromkeys(("stride", "padding", "dilation", "output_padding", "kernel_size"), "Any"),
    "k": "int",
    "size": "Any",
    "out": "Any",
    "other": "Tensor | float",
    "exponent": "Tensor | float",
    "value": "Any",
    "dtype": "DType | type | None",
    "device": "Device | str | None",
    "generator": "Generator | None",
    "keepdim": "bool",
    "requires_grad": "bool",
    "memory_format": "MemoryFormat | None",
    "min": "Any",
    "max": "Any",
    "nan": "float | None",
    "posinf": "float | None",
    "neginf": "float | None",
    "unbiased": "bool | None",
    "correction": "float | None",
    "eps": "float | None",
    "size_average": "bool | None",
    "reduce": "Any",
    "name": "str",
    "rounding_mode": "str | None",
    "hook": "Callable[..., Any]",
    "tensors": "Any",
    "beta": "float",
    "alpha": "float",
}

# Parameters whose default is an int, but that take any number.
NUMBERS = {"value", "lambd", "step", "p", "std", "mean", "correction"}

_TUPLE = "tuple[Tensor, ...]"
RETURNS = {
    "storage": "Any", "untyped_storage": "Any",
    **dict.fromkeys(
        ("allclose", "equal", "can_cast", "is_grad_enabled", "is_inference_mode_enabled",
         "is_contiguous", "is_set_to", "is_floating_point", "is_complex", "_is_view",
         "_set_grad_enabled", "_set_inference", "_set_detect_anomaly"),
        "bool",
    ),
    **dict.fromkeys(
        ("dim", "ndimension", "numel", "nelement", "element_size", "storage_offset", "data_ptr",
         "get_device", "get_num_threads", "cpu_count", "seed", "initial_seed"),
        "int",
    ),
    **dict.fromkeys(
        ("version", "build", "parallel_backend", "isa", "isa_best", "name"),
        "str",
    ),
    **dict.fromkeys(
        ("backward", "retain_grad", "set_num_threads", "set_isa", "reset_peak_memory",
         "empty_cache", "set_cache_limit", "set_poison", "fail_at", "set_default_dtype",
         "register", "check_device", "set_rng_state", "clear_gradients", "_record_function",
         "add_overlapping", "publish_unary", "publish_binary", "publish_rounding",
         "publish_comparison", "remove"),
        "None",
    ),
    **dict.fromkeys(
        ("split", "chunk", "unbind", "tensor_split", "hsplit", "vsplit", "dsplit", "meshgrid",
         "split_with_sizes", "_split_with_sizes", "broadcast_tensors"),
        _TUPLE,
    ),
    **dict.fromkeys(("std_mean", "var_mean"), "tuple[Tensor, Tensor]"),
    **dict.fromkeys(("promote_types", "result_type", "get_default_dtype"), "DType"),
    **dict.fromkeys(
        ("register_hook", "register_prehook", "register_post_accumulate_grad_hook"), "Handle"),
    **dict.fromkeys(
        ("max", "min", "median", "nanmedian", "unique", "unique_consecutive", "nonzero",
         "atleast_1d", "atleast_2d", "atleast_3d", "item", "tolist", "type", "host_op",
         "recurrence", "_order", "_largest", "_ranks", "_array", "where_method"),
        "Any",
    ),
    "numpy": "np.ndarray[Any, Any]",
    "grad": "tuple[Any, ...]",
    "broadcast_shapes": "Size",
    "sort": "SortResult",
    "topk": "TopkResult",
    "kthvalue": "KthvalueResult",
    "mode": "ModeResult",
    "cummax": "CummaxResult",
    "cummin": "CumminResult",
    "aminmax": "AminmaxResult",
    "manual_seed": "Generator",
    "memory_stats": "dict[str, int]",
    **dict.fromkeys(("tensor", "as_tensor", "from_numpy", "from_dlpack", "_with_history",
                     "as_strided_backward"), "Tensor"),
    **dict.fromkeys(("sgd", "adam", "rmsprop", "adagrad", "adadelta"), "bool"),
    "run": "int",
}


def gives_tensors(module: str, name: str) -> bool:
    """Whether a function of which nothing else is said returns one Tensor."""
    return module.startswith("fastnn._core.ops.") and not name.startswith("_")


BASES = {"Size": "(tuple[int, ...])"}
DATA = {
    "dtypes": {"public": "dict[str, Any]"},
    "random": {"default_generator": "Generator"},
}
_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
           "lshift", "rshift")
EXTRA = {
    "Size": ["def numel(self) -> int: ...",
             "def __add__(self, other: Any) -> Size: ...  # type: ignore[override]"],
    "Tensor": [
        "def __init__(self, *args: Any, dtype: DType | None = None, device: Any = None) -> None: "
        "...",
        *[f"def __{r}{n}__(self, other: Any) -> Tensor: ..." for n in _BINARY for r in ("", "r")],
        *[f"def __i{n}__(self, other: Any) -> Tensor: ..." for n in _BINARY
          if n not in ("matmul", "lshift", "rshift")],
        *[f"def __{n}__(self) -> Tensor: ..." for n in ("neg", "pos", "abs", "invert")],
        *[f"def __{n}__(self, other: Any) -> Tensor: ..." for n in ("lt", "le", "gt", "ge")],
        *[f"def __{n}__(self, other: Any) -> Tensor: ...  # type: ignore[override]"
          for n in ("eq", "ne")],
        "def __getitem__(self, index: Any) -> Tensor: ...",
        "def __setitem__(self, index: Any, value: Any) -> None: ...",
        "def __bool__(self) -> bool: ...",
        "def __int__(self) -> int: ...",
        "def __float__(self) -> float: ...",
        "def __index__(self) -> int: ...",
        "def __len__(self) -> int: ...",
        "def __hash__(self) -> int: ...",
        "def __iter__(self) -> Iterator[Tensor]: ...",
        "def __contains__(self, value: Any) -> bool: ...",
        "def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]: ...",
        "def __deepcopy__(self, memo: dict[Any, Any]) -> Any: ...",
        "def __reduce_ex__(self, protocol: Any) -> Any: ...",
        "def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...",
        "def __dlpack_device__(self) -> tuple[int, int]: ...",
    ],
    "dtype": [f"{n}: {t}" for n, t in (("name", "str"), ("itemsize", "int"),
                                       ("is_floating_point", "bool"), ("is_signed", "bool"),
                                       ("is_complex", "bool"))],
    "memory_format": ["name: str"],
    "device": ["type: str", "index: int | None",
               "def __init__(self, type: Any = ..., index: int | None = None) -> None: ..."],
    "Handle": ["id: int", "hooks: Any",
               "def __init__(self, hooks: Any, hook: Any, **options: Any) -> None: ...",
               "def __enter__(self) -> Handle: ...",
               "def __exit__(self, *exc: object) -> None: ..."],
    "Trace": ["ops: list[tuple[str, bool]]", "def __enter__(self) -> Trace: ...",
              "def __exit__(self, *exc: object) -> None: ..."],
    "Generator": ["def __init__(self, device: Any = ...) -> None: ..."],
    "Bucket": ["params: list[Any]", "states: list[Any]", "cell: Tensor",
               "def __init__(self, params: list[Any], states: list[Any], cell: Tensor) -> None: "
               "..."],
    "Plan": ["group: Any", "params: Any", "count: int", "names: Any", "buckets: Any", "idle: Any",
             "only: Any"],
    "Plans": ["plans: list[Plan]", "state: Any", "size: int"],
}
METHODS = {
    "Tensor.size": "@overload\ndef size(self, dim: None = None) -> Size: ...\n"
                   "@overload\ndef size(self, dim: int) -> int: ...",
    "Tensor.stride": "@overload\ndef stride(self, dim: None = None) -> tuple[int, ...]: ...\n"
                     "@overload\ndef stride(self, dim: int) -> int: ...",
    "Tensor.lerp_": "def lerp_(self, end: Tensor, weight: Tensor | float) -> Tensor: ...",
    "Size.numel": "",
}
PROPERTIES = {
    "Tensor.shape": "Size", "Tensor.ndim": "int", "Tensor.itemsize": "int", "Tensor.nbytes": "int",
    "Tensor.dtype": "DType", "Tensor.device": "Device", "Tensor.layout": "str",
    "Tensor.is_cuda": "bool", "Tensor.is_sparse": "bool", "Tensor.is_quantized": "bool",
    "Tensor.requires_grad": "bool", "Tensor.is_leaf": "bool", "Tensor.output_nr": "int",
    "Tensor._version": "int", "Tensor.data": "Tensor", "Tensor.T": "Tensor", "Tensor.mT": "Tensor",
    "Tensor.retains_grad": "bool", "Tensor.grad": "Any",
}  # fmt: skip
SETTABLE = {"Tensor.requires_grad", "Tensor.grad", "Tensor.data"}

# (name in the text, the module that defines it, the import), in isort's order
IMPORTS = [
    ("Device", "fastnn._core.dtypes", "from fastnn._core.dtypes import device as Device"),
    ("DType", "fastnn._core.dtypes", "from fastnn._core.dtypes import dtype as DType"),
    ("MemoryFormat", "fastnn._core.dtypes",
     "from fastnn._core.dtypes import memory_format as MemoryFormat"),
    ("Generator", "fastnn._core.ops.random", "from fastnn._core.ops.random import Generator"),
    ("AminmaxResult", "fastnn._core.ops.reduce",
     "from fastnn._core.ops.reduce import AminmaxResult"),
    ("CummaxResult", "fastnn._core.ops.scan",
     "from fastnn._core.ops.scan import CummaxResult, CumminResult"),
    ("SortResult", "fastnn._core.ops.sort",
     "from fastnn._core.ops.sort import KthvalueResult, ModeResult, SortResult, TopkResult"),
    ("Size", "fastnn._core.size", "from fastnn._core.size import Size"),
    ("Handle", "fastnn._core.tape", "from fastnn._core.tape import Handle"),
    ("Tensor", "fastnn._core.tensor", "from fastnn._core.tensor import Tensor"),
]
