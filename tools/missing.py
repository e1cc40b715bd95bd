"""python -m tools.missing: writes the names that fastnn lacks into docs/compat.md.

What a name of PyTorch is: its __all__, or what is public and its own. Left out are names for other
devices, compilers and PyTorch's own machinery. tests/build/test_compat.py checks that the list is
what this would write.
"""

from __future__ import annotations

import importlib
import re
import textwrap
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs/compat.md"
BEGIN, END = "<!-- made by python -m tools.missing -->", "<!-- end -->"

PACKAGES = ["", "autograd", "distributions", "func", "linalg", "nn", "nn.functional", "nn.init",
            "nn.utils", "nn.utils.parametrizations", "nn.utils.parametrize", "nn.utils.prune",
            "nn.utils.rnn", "optim", "optim.lr_scheduler", "optim.swa_utils", "special", "testing",
            "utils.checkpoint", "utils.data"]
# Of other devices, of compilers, of quantisation, of low-precision dtypes, of PyTorch's inside.
MACHINERY = re.compile(
    r".*_copy$|cudnn_|miopen_|mkldnn_|fbgemm_|quantized_|native_|sym_|batch_norm_|.*Type$|Script|"
    r".*autocast|q_|fake_quantize|fused_|.*StorageBase|.*torch_function|BroadcastingList|Sym[A-Z]|"
    r"Concrete|PyTorchFile|.*Serializ|.*IR|Dispatch|import_ir|parse_|unify_|merge_|bits|u?int\d$|"
    r"q(u)?int|float[48]_|.*ShortDummy|Disable|Exclude|Lite|Future|Graph|Node$|Use$|Value$|Block$|"
    r"Code$|.*Logger|Benchmark|Throughput|.*Tracing|Operator|Function?Schema|Argument|Aggregation|"
    r"Alias|Await|CallStack|Capsule|Compilation|DeepCopy|DeviceObj|ErrorReport|Execution|Fatal|"
    r"FileCheck|Gradient$|IODescriptor|JIT|NoneType|OptionalType|OutOfMemory|Static|Stream|Tag$|"
    r"Type$|AVG$|SUM$|Buffer|ModuleDict|ParameterDict|Accelerator|Event|has_|is_.*anomaly|cpp$|"
    r"embedding_renorm_|init_num_threads|is_vulkan|slice_inverse|.*expand_copy|choose_qparams|"
    r"empty_quantized|int_repr|boolean_dispatch|assert_int|Tensor$|.*Swizzle|Scaling|bit$|"
    r"thread_safe|export$|wait$|fork$|set_anomaly|get_device_module|is_deterministic|is_warn|"
    r"cudnn|is_maia|is_vulkan|is_xla|ipu|mtia|xpu|module_load|hash_tensor|const_data_ptr|"
    r"record_stream|grad_dtype|dim_order|to_mkldnn|qscheme|q_|reinforce|volatile|name$|"
    r"factory_kwargs|argument_validation|.*datapipe|.*DataPipe|DataChunk|runtime_|"
    r"non_deterministic|guaranteed|NestedIO|enforce_grad|swap_in|variable$|grad_mode|"
    r"set_multithreading|constrain|layout$|.*from_file|Number|Object")


def own_names(module: Any) -> set[str]:
    """What PyTorch calls public in one of its modules."""
    listed = getattr(module, "__all__", None)
    if module.__name__ == "torch":
        inner = module._C._VariableFunctions
        listed = [*listed, *[n for n in dir(inner) if hasattr(module, n)]]
    elif listed is None:
        listed = [n for n in dir(module)
                  if getattr(getattr(module, n), "__module__", "").startswith("torch")]
    return {n for n in listed if not n.startswith("_") and not MACHINERY.match(n)}


def missing() -> dict[str, list[str]]:
    """Name of a module, or Tensor -> PyTorch's names that fastnn lacks."""
    import torch

    import fastnn

    found = {}
    for path in PACKAGES:
        theirs = importlib.import_module(f"torch.{path}".rstrip("."))
        ours = importlib.import_module(f"fastnn.{path}".rstrip("."))
        found[path or "the package"] = sorted(n for n in own_names(theirs)
                                              if not hasattr(ours, n))
    methods = {n for n in dir(torch.Tensor) if not n.startswith("_") and not MACHINERY.match(n)}
    found["Tensor"] = sorted(n for n in methods if not hasattr(fastnn.Tensor, n))
    return {k: v for k, v in found.items() if v}


def text() -> str:
    lines = []
    for where, names in missing().items():
        title = where if where in ("the package", "Tensor") else f"`{where}`"
        joined = f"- {title}: " + ", ".join(f"`{n}`" for n in names) + "."
        lines += textwrap.wrap(joined, 100, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([BEGIN, *lines, END])


def main() -> None:
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    PAGE.write_text(head + text() + rest.split(END)[1])


if __name__ == "__main__":
    main()
