"""The rows of the table that `make bench-train` prints."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from bench import workloads
from bench.gemm_shapes import NEAR, SHAPES, SQUARES, random_shapes
from bench.table import Row, Works

Engines = dict[str, Any]  # "fastnn" and, where installed, "torch"

TRAINING = [  # workload, title, must, aim: times faster than eager PyTorch
    ("tiny", "net 2-8-1, batch 2, BCE, SGD", 20, 35),
    ("mlp_small", "784-128-10, batch 32, SGD", 4, 5),
    ("mlp_mid", "784-512-256-10, batch 128, Adam", 2.8, 3.5),
    ("mlp_large", "4096-4096-4096-1000, batch 512, Adam", 2.8, 3.2),
    ("tabular", "30-64-64-2 BatchNorm+Dropout, batch 64, Adam", 15, 25),
    ("lenet", "LeNet, 28x28, batch 64, SGD", 2.3, 3),
    ("resnet20", "ResNet-20, 32x32, batch 64, SGD", 1.5, 1.9),
    ("mobilenet", "depthwise-separable net, 32x32, batch 64, SGD", 2.6, 4),
    ("unet", "U-Net, 64x64, batch 4, SGD", 2, 2.8),
    ("gru", "GRU 128, T 32, batch 32, SGD", 4, 5.5),
    ("lstm", "LSTM 2x512, vocabulary 10,000, T 35, batch 20, SGD", 1.5, 1.8),
    ("gpt_nano", "GPT 4 layers, 128, T 64, batch 12, AdamW", 3, 4),
    ("gpt_mini", "GPT 6 layers, 384, T 256, batch 8, AdamW", 2.8, 3.3),
]
INFERENCE = [
    ("inf_mlp_mid_b1", "784-512-256-10, batch 1", 2.8, 4),
    ("inf_mlp_mid_b256", "784-512-256-10, batch 256", 2.2, 2.5),
    ("inf_resnet20_b1", "ResNet-20, batch 1", 3.5, 7),
    ("inf_gpt_mini_decode", "GPT 6 layers, 384, one token", 4, 6),
    ("inf_resnet18_b1", "ResNet-18, 224x224, batch 1", 1.8, 2.3),
]


def programs(
    engines: Engines, peak: float, chosen: list[tuple[str, str, float, float]] = TRAINING
) -> Iterator[Row]:
    """Programs of workloads.py: a training step, or an inference; the share of the peak is MFU."""
    for name, title, must, aim in chosen:
        make = workloads.REG[name]["make"]
        works = {engine: make(T, workloads.Ctx()).step for engine, T in engines.items()}
        amount = workloads.REG[name].get("flops") or counted(works.get("torch"))
        yield Row(title, works, must, aim, "torch", amount=amount, limit=peak if amount else 0.0)


def counted(step: Callable[[], Any] | None) -> float:
    """FLOPs of the products and convolutions of PyTorch's step, which other engines owe too."""
    if step is None:
        return 0.0
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step()
    counts = {str(op): n for op, n in counter.get_flop_counts()["Global"].items()}
    # It counts the gradients of grouped convolutions as if they had no groups.
    backward = counts.get("aten.convolution_backward", 0)
    excess = max(0, backward - 2 * counts.get("aten.convolution", 0))
    return float(counter.get_total_flops() - excess)


def operands(form: str, m: int, n: int, k: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a: np.ndarray = rng.standard_normal((k, m) if form[0] == "T" else (m, k)).astype(dtype)
    b: np.ndarray = rng.standard_normal((n, k) if form[1] == "T" else (k, n)).astype(dtype)
    return a, b


def product(a: Any, b: Any, form: str) -> Callable[[], Any]:
    left = a.T if form[0] == "T" else a
    right = b.T if form[1] == "T" else b
    return lambda: left @ right


def gemm_row(
    engines: Engines, shape: tuple[str, int, int, int], peak: float, dtype: type = np.float32,
    **wanted: Any,
) -> Row:  # fmt: skip
    form, m, n, k = shape
    a, b = operands(*shape, dtype)
    works: Works = {e: product(T.tensor(a), T.tensor(b), form) for e, T in engines.items()}
    works["numpy"] = product(a, b, form)
    title = f"GEMM {form} {m} x {n} x {k}" + " float64" * (dtype is np.float64)
    return Row(title, works, **wanted, amount=2.0 * m * n * k, limit=peak)


def squares(engines: Engines, peak: float, largest: int) -> Iterator[Row]:
    for shape in SQUARES:
        if shape[1] <= largest:
            yield gemm_row(engines, shape, peak, must=1.0, aim=1.1, share_must=0.85, share_aim=0.93)
    for shape in SQUARES:
        if shape[1] <= min(largest, 1024):
            yield gemm_row(engines, shape, peak / 2, np.float64, must=1.0, aim=1.1,
                           share_must=0.8, share_aim=0.9)  # fmt: skip


def shapes(engines: Engines, peak: float, seed: int) -> Iterator[Row]:
    for shape in SHAPES + NEAR + random_shapes(10, seed):
        yield gemm_row(engines, shape, peak, must=0.95, aim=1.3)


def pointwise(engines: Engines, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Forward and backward of one op, its result summed by a gradient of ones."""
    for n in sizes:
        for name in (
            "relu",
            "add",
            "exp",
            "tanh",
            "gelu",
            "softmax",
            "cross_entropy",
            "layer_norm",
        ):
            works = {engine: forward_backward(T, name, n) for engine, T in engines.items()}
            yield Row(f"{name}, forward + backward, {n:,}", works, 0.95, 1.5)
    for name, must in (("exp", 2.5), ("tanh", 5.0)):
        for n in sizes:
            data = np.random.default_rng(0).standard_normal(n).astype(np.float32)
            works = {e: partial(getattr(T, name), T.tensor(data)) for e, T in engines.items()}
            works["numpy"] = partial(getattr(np, name), data)
            yield Row(f"{name}, forward, {n:,}", works, 0.95, None)
            wanted = must if n >= 100_000 else 0.95
            yield Row(f"{name}, forward, {n:,}, PyTorch", works, wanted, None, "torch")


def forward_backward(T: Any, name: str, n: int) -> Callable[[], Any]:
    rng, F = np.random.default_rng(0), T.nn.functional
    classes = min(n, 1000)
    shape = (n,) if name in ("relu", "add", "exp", "tanh", "gelu") else (n // classes, classes)
    x = T.tensor(rng.standard_normal(shape).astype(np.float32)).requires_grad_()
    other = T.tensor(rng.standard_normal(shape).astype(np.float32))
    target = T.tensor(rng.integers(0, classes, shape[0])) if len(shape) == 2 else None
    functions = {
        "relu": lambda: F.relu(x), "add": lambda: x + other, "exp": lambda: T.exp(x),
        "tanh": lambda: T.tanh(x), "gelu": lambda: F.gelu(x), "softmax": lambda: F.softmax(x, 1),
        "cross_entropy": lambda: F.cross_entropy(x, target),
        "layer_norm": lambda: F.layer_norm(x, (classes,)),
    }  # fmt: skip
    function = functions[name]
    ones = T.ones(()) if name == "cross_entropy" else T.ones(*shape)

    def work() -> None:
        x.grad = None
        function().backward(ones)

    return work


def memory(engines: Engines, n: int, bandwidth: float) -> Iterator[Row]:
    """Moving and adding without computing: bytes read and written per second."""
    side = math.isqrt(n)
    rng = np.random.default_rng(0)
    square = rng.standard_normal((side, side)).astype(np.float32)
    index = rng.integers(0, side, side)
    nbytes = square.nbytes
    cases: list[tuple[str, float, Callable, Callable]] = [
        ("permute", 2, lambda T, x, i: x.permute(1, 0).contiguous(),
         lambda x, i: np.ascontiguousarray(x.T)),
        ("cat", 4, lambda T, x, i: T.cat([x, x], 1), lambda x, i: np.concatenate([x, x], 1)),
        ("add of a row", 2, lambda T, x, i: x + x[0], lambda x, i: x + x[0]),
        ("sum along 0", 1, lambda T, x, i: x.sum(0), lambda x, i: x.sum(0)),
        ("sum along 1", 1, lambda T, x, i: x.sum(1), lambda x, i: x.sum(1)),
        ("index_select", 2, lambda T, x, i: x.index_select(0, i), lambda x, i: x[i]),
        ("embedding", 2, lambda T, x, i: T.nn.functional.embedding(i, x), lambda x, i: x[i]),
    ]  # fmt: skip
    for title, passes, ours, numpys in cases:
        works: Works = {}
        for engine, T in engines.items():
            works[engine] = partial(ours, T, T.tensor(square), T.tensor(index))
        works["numpy"] = partial(numpys, square, index)
        yield Row(f"{title}, {side * side:,}", works, 1.0, None, amount=passes * nbytes,
                  limit=bandwidth, share_must=0.6, share_aim=0.85)  # fmt: skip


POOLINGS = [  # title, shape, function, must, aim: times faster than PyTorch, contiguous
    ("max pool 2, 64x32x24x24", (64, 32, 24, 24), lambda F, x: F.max_pool2d(x, 2), 4, 8),
    ("max pool 2, 64x64x24x24", (64, 64, 24, 24), lambda F, x: F.max_pool2d(x, 2), 4, 8),
    ("max pool 2, 4x16x64x64", (4, 16, 64, 64), lambda F, x: F.max_pool2d(x, 2), 4, 8),
    ("max pool 2, 4x64x16x16", (4, 64, 16, 16), lambda F, x: F.max_pool2d(x, 2), 4, 8),
    ("max pool 3/2, 16x64x56x56", (16, 64, 56, 56), lambda F, x: F.max_pool2d(x, 3, 2, 1), 2, 4),
    ("avg pool 2, 64x64x24x24", (64, 64, 24, 24), lambda F, x: F.avg_pool2d(x, 2), 2, 4),
    ("global avg pool, 64x64x8x8", (64, 64, 8, 8), lambda F, x: F.adaptive_avg_pool2d(x, 1), 1, 2),
]
BATCH_NORMS = [(64, 16, 32, 32), (64, 32, 16, 16), (64, 64, 8, 8), (16, 64, 56, 56)]


def images(engines: Engines) -> Iterator[Row]:
    """Pooling and batch norm, forward + backward; bytes: every tensor read or written once."""
    for title, shape, function, must, aim in POOLINGS:
        for last in (False, True):
            works, elements = {}, 0
            for engine, T in engines.items():
                call = partial(function, T.nn.functional)
                works[engine], out = image_step(T, shape, call, last)
                elements = 2 * (math.prod(shape) + out)
            yield Row(title + ", channels_last" * last, works, 0.95 if last else must,
                      1.5 if last else aim, "torch", amount=4.0 * elements)  # fmt: skip
    for shape in BATCH_NORMS:
        for last in (False, True):
            works = {e: image_step(T, shape, T.nn.BatchNorm2d(shape[1]), last)[0]
                     for e, T in engines.items()}  # fmt: skip
            title = "batch norm, " + "x".join(map(str, shape)) + ", channels_last" * last
            yield Row(title, works, 0.95 if last else 4, 1.5 if last else 8, "torch",
                      amount=20.0 * math.prod(shape))  # fmt: skip


def image_step(T: Any, shape: tuple[int, ...], function: Callable, last: bool) -> tuple:
    """One forward and backward of function, and the number of its outputs."""
    rng = np.random.default_rng(0)
    order = {"memory_format": T.channels_last} if last else {}
    x = T.tensor(rng.standard_normal(shape).astype(np.float32)).contiguous(**order)
    out = tuple(function(x).shape)
    dy = T.tensor(rng.standard_normal(out).astype(np.float32)).contiguous(**order)
    x.requires_grad_()

    def work() -> None:
        x.grad = None
        function(x).backward(dy)

    return work, math.prod(out)


def adam(engines: Engines, parameters: int) -> Iterator[Row]:
    works: Works = {}
    for engine, T in engines.items():
        works[engine] = adam_step(T, parameters)
    if "torch" in engines:
        works["fused"] = adam_step(engines["torch"], parameters, fused=True)
    yield Row(f"Adam step, {parameters:,} parameters", works, 1.1, 1.25, "fused")


def adam_step(T: Any, parameters: int, **options: Any) -> Callable[[], Any]:
    held = [T.nn.Parameter(T.ones(parameters // 10)) for _ in range(10)]
    for parameter in held:
        parameter.grad = T.ones(parameters // 10)
    return T.optim.Adam(held, lr=1e-6, **options).step


def attention(engines: Engines, peak: float) -> Iterator[Row]:
    """Attention of (B, H, T, D); the share of the peak does not count masked scores."""
    for shape in ((8, 6, 256, 64), (12, 4, 64, 32), (1, 12, 1024, 64)):
        b, h, t, d = shape
        for causal in (False, True):
            scores = b * h * (t * (t + 1) / 2 if causal else t * t)
            works = {e: attention_step(T, shape, causal) for e, T in engines.items()}
            title = f"attention forward + backward {b}x{h}x{t}x{d}" + ", causal" * causal
            yield Row(title, works, 3.5, 5, amount=14.0 * scores * d, limit=peak)
    works = {}
    for engine, T in engines.items():
        q, k = T.ones(1, 6, 1, 64), T.ones(1, 6, 129, 64)
        works[engine] = partial(T.nn.functional.scaled_dot_product_attention, q, k, k)
    yield Row("attention of one token, 6 heads of 64, 129 keys", works, 2, None)


def attention_step(T: Any, shape: tuple[int, ...], causal: bool) -> Callable[[], Any]:
    rng, f = np.random.default_rng(0), T.nn.functional.scaled_dot_product_attention
    data = [T.tensor(rng.standard_normal(shape).astype(np.float32)) for _ in range(4)]
    q, k, v = (x.requires_grad_() for x in data[:3])

    def work() -> None:
        q.grad = k.grad = v.grad = None
        f(q, k, v, is_causal=causal).backward(data[3])

    return work


def small(engines: Engines) -> Iterator[Row]:
    works: Works = {}
    backward: Works = {}
    for engine, T in engines.items():
        a, b = T.ones(8), T.ones(8)
        works[engine] = partial(lambda a, b: a + b, a, b)
        backward[engine] = partial(sum_backward, T.ones(8, requires_grad=True), b)
    yield Row("add of two 8-element tensors", works, 8.5, 13, "torch")
    yield Row("the same with sum and backward", backward, 20, 34, "torch")


def sum_backward(a: Any, b: Any) -> None:
    (a + b).sum().backward()
