"""Rows of the convolution section: forward, gradient to the input, gradient to the weight.

Every shape twice: contiguous (NCHW), as programs have it by default, and channels last; the peer
"nhwc" is PyTorch on the same data in its faster layout, channels last.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from bench.table import Row, Works

SHAPES = [  # N, C, O, H = W, kernel, stride, padding, groups; must, aim; against
    *[(16, c, c, s, 3, 1, 1, 1, 0.95, 1.1, "nhwc")
      for c, s in ((64, 56), (128, 28), (256, 14), (512, 7))],
    (64, 3, 16, 32, 3, 1, 1, 1, 1.5, 2.5, "torch"), (64, 1, 32, 28, 3, 1, 0, 1, 1.5, 2.5, "torch"),
    (64, 16, 16, 32, 3, 1, 1, 1, 1.5, 2.5, "torch"),
    (64, 32, 32, 16, 3, 1, 1, 1, 1.0, 1.1, "torch"), (64, 64, 64, 8, 3, 1, 1, 1, 1.0, 1.1, "torch"),
    (64, 32, 64, 32, 1, 1, 0, 1, 1.0, 1.5, "torch"),
    (64, 128, 128, 16, 1, 1, 0, 1, 1.0, 1.5, "torch"),
    (64, 32, 32, 32, 3, 1, 1, 32, 4, 8, "torch"), (64, 64, 64, 32, 3, 2, 1, 64, 4, 8, "torch"),
    (64, 256, 256, 8, 3, 1, 1, 256, 4, 8, "torch"),
]  # fmt: skip


def passes(T: Any, shape: tuple, last: bool) -> dict[str, Any]:
    """The three passes as functions without arguments."""
    n, c, o, h, k, stride, padding, groups = shape[:8]
    rng = np.random.default_rng(0)

    def made(*size: int) -> Any:
        t = T.tensor(rng.standard_normal(size, np.float32))
        return t.contiguous(memory_format=T.channels_last) if last else t

    def forward(x: Any, w: Any) -> Any:
        return T.nn.functional.conv2d(x, w, None, stride, padding, 1, groups)

    x, w = made(n, c, h, h), made(o, c // groups, k, k)
    dy = made(*forward(x, w).shape)
    a, b = x.detach().requires_grad_(), w.detach().requires_grad_()
    return {
        "forward": partial(forward, x, w),
        "dgrad": partial(T.autograd.grad, forward(a, w), a, dy, retain_graph=True),
        "wgrad": partial(T.autograd.grad, forward(x, b), b, dy, retain_graph=True),
    }


def rows(engines: dict[str, Any], peak: float) -> Iterator[Row]:
    for shape in SHAPES:
        n, c, o, h, k, stride, padding, groups, must, aim, against = shape
        side = (h + 2 * padding - k) // stride + 1
        flops = 2.0 * n * o * side * side * c // groups * k * k
        for last in (False, True):
            of = {engine: passes(T, shape, last) for engine, T in engines.items()}
            if "torch" in engines:
                of["nhwc"] = passes(engines["torch"], shape, True)
            for name in ("forward", "dgrad", "wgrad"):
                works: Works = {engine: made[name] for engine, made in of.items()}
                title = f"{c}-{o}, {h}x{h}, {k}x{k}" + f"/{stride}" * (stride > 1)
                title += " depthwise" * (groups > 1) + f" {name}" + " last" * last
                yield Row(title, works, must, aim, against, flops, peak)
