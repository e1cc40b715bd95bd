"""Records of joining, splitting and rearranging."""

from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

VECTOR, MATRIX, CUBE = Arg((6,)), Arg((3, 4)), Arg((2, 3, 4))
ONE = [VECTOR, MATRIX, CUBE]
OUT = np.zeros((3, 4))


def each(*calls: tuple[Any, ...]) -> list[Sample]:
    return [Sample(c) for c in calls]


def repeat(x: Any, *n: int) -> Any:
    return np.tile(x, n[0] if len(n) == 1 else n)


def windows(x: Any, d: int, size: int, step: int) -> Any:
    y = np.lib.stride_tricks.sliding_window_view(x, size, d)
    return y[(slice(None),) * (d % x.ndim) + (slice(None, None, step),)]


def diag_embed(x: Any, offset: int = 0, a: int = -2, b: int = -1) -> Any:
    n = x.shape[-1] + abs(offset)
    y = np.zeros((*x.shape[:-1], n, n))
    i = np.arange(x.shape[-1])
    y[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return np.moveaxis(y, (-2, -1), (a, b))


def split(x: Any, n: Any, d: int = 0) -> Any:
    at = np.cumsum(n)[:-1] if isinstance(n, list) else range(n, x.shape[d], n)
    return np.split(x, list(at), d)


def pad(x: Any, p: list[int], v: float = 0) -> Any:
    width = [(0, 0)] * (x.ndim - len(p) // 2) + list(zip(p[::2], p[1::2], strict=True))[::-1]
    y = np.pad(x, np.maximum(width, 0), constant_values=v)
    return y[tuple(slice(max(-a, 0), n - max(-b, 0))
                   for (a, b), n in zip(width, y.shape, strict=True))]


SPECS = [
    Spec("cat", "cat", lambda xs, d=0: np.concatenate(xs, d),
         each(([MATRIX, Arg((1, 4)), Arg((0, 4))],), ([MATRIX, Arg((3, 2))], 1),
              ([CUBE, CUBE, CUBE], -1), ([VECTOR],)), ulp=0,
         errors=[Error(([OUT, np.zeros((3, 5))],), RuntimeError, "must match"),
                 Error(([],), (RuntimeError, ValueError), "non-empty"),
                 Error(([OUT], 2), IndexError, "out of range")]),
    Spec("stack", "stack", lambda xs, d=0: np.stack(xs, d),
         each(([MATRIX, MATRIX],), ([MATRIX, MATRIX, MATRIX], 1), ([VECTOR, VECTOR], -1),
              ([Arg(()), Arg(())],)), ulp=0,
         errors=[Error(([OUT, np.zeros((3, 5))],), RuntimeError, "equal size")]),
    *[Spec(n, n, lambda xs, f=n: getattr(np, f)(xs),
           each(([VECTOR, VECTOR],), ([MATRIX, MATRIX],), ([Arg(()), Arg(())],)), ulp=0)
      for n in ("hstack", "vstack", "dstack", "column_stack")],
    Spec("split", "split", split,
         each((VECTOR, 4), (MATRIX, 2, 1), (CUBE, [1, 0, 2], 1), (CUBE, 5)), ulp=0,
         errors=[Error((OUT, [1, 1]), RuntimeError, "sum exactly"),
                 Error((OUT, -1), RuntimeError, "non-negative")]),
    Spec("chunk", "chunk", lambda x, n, d=0: split(x, -(-x.shape[d] // n), d),
         each((VECTOR, 4), (MATRIX, 2, 1), (CUBE, 3, -1)), ulp=0),
    Spec("tensor_split", "tensor_split", lambda x, n, d=0: np.array_split(x, n, d),
         each((VECTOR, 4), (MATRIX, [1, 3], 1), (CUBE, [2, 1], 2), (VECTOR, [-2, 9])), ulp=0),
    *[Spec(n, n, getattr(np, n), each((CUBE, 2 if n != "vsplit" else [1])) if n != "hsplit" else
           each((CUBE, 3), (VECTOR, 2)), ulp=0) for n in ("hsplit", "vsplit", "dsplit")],
    Spec("unbind", "unbind", lambda x, d=0: list(np.moveaxis(x, d, 0)),
         each((VECTOR,), (MATRIX,), (CUBE, 1), (CUBE, -1)), ulp=0),
    Spec("flip", "flip", lambda x, d: np.flip(x, d),
         each((VECTOR, [0]), (MATRIX, [1]), (CUBE, [0, 2]), (Arg((0, 3)), [0])), ulp=0,
         errors=[Error((OUT, [0, 0]), RuntimeError, "multiple"),
                 Error((OUT, [2]), IndexError, "out of range")]),
    Spec("rot90", "rot90", np.rot90, each(*[(MATRIX, k) for k in range(-1, 4)],
                                          (CUBE, 1, [1, 2])), ulp=0),
    Spec("roll", "roll", np.roll,
         each((VECTOR, 2), (MATRIX, -1), (MATRIX, 5, 0), (CUBE, [1, -2], [0, 2])), ulp=0,
         errors=[Error((OUT, [1, 2], [0]), RuntimeError, "align")]),
    Spec("constant_pad_nd", "constant_pad_nd", pad,
         each((VECTOR, [1, 2]), (MATRIX, [1, 2, 0, 3], 1.5), (CUBE, [-1, 2, 1, -1]),
              (CUBE, [0, 0, 0, 0, 1, 1])), ulp=0,
         errors=[Error((OUT, [-3, -2]), RuntimeError, "padding"),
                 Error((OUT, [1]), RuntimeError, "padding numbers")]),
    Spec("repeat", "Tensor.repeat", repeat,
         each((VECTOR, 2), (MATRIX, 2, 1), (MATRIX, 2, 1, 3), (Arg((2, 1, 1, 2, 1)), 1, 2, 1, 1, 3),
              (VECTOR, 0)), ulp=0),
    Spec("tile", "tile", np.tile, each((VECTOR, [2]), (MATRIX, [2]), (MATRIX, [2, 1, 3])), ulp=0),
    Spec("repeat_interleave", "repeat_interleave", np.repeat,
         each((VECTOR, 2), (MATRIX, 3, 1), (CUBE, 0, 0),
              (MATRIX, Arg(values=[2, 0, 1], dtype="int64"), 0)), ulp=0,
         errors=[Error((OUT, -1), RuntimeError, "non-negative"),
                 Error((OUT, np.array([1, 2]), 0), RuntimeError, "same size")]),
    Spec("movedim", "movedim", np.moveaxis, each((CUBE, 0, -1), (CUBE, [0, 1], [2, 0])), ulp=0),
    Spec("swapaxes", "swapaxes", np.swapaxes, each((CUBE, 0, 2), (MATRIX, 0, 1)), ulp=0),
    Spec("unflatten", "unflatten", lambda x, d, s: x.reshape(3, 2),
         each((VECTOR, 0, [3, 2]), (VECTOR, -1, [-1, 2])), ulp=0,
         errors=[Error((OUT, 0, [2, 2]), RuntimeError, "multiply")]),
    Spec("ravel", "ravel", np.ravel, each((CUBE,), (Arg(()),)), ulp=0),
    Spec("broadcast_to", "broadcast_to", np.broadcast_to,
         each((Arg((3, 1)), [2, 3, 4]), (VECTOR, [2, 6])), ulp=0),
    Spec("broadcast_tensors", "broadcast_tensors", lambda *x: list(np.broadcast_arrays(*x)),
         each((Arg((3, 1)), Arg((4,)))), ulp=0,
         errors=[Error((np.zeros(2), np.zeros(3)), RuntimeError, "broadcast")]),
    *[Spec(f"atleast_{k}d", f"atleast_{k}d", getattr(np, f"atleast_{k}d"),
           each((Arg(()),), (VECTOR,), (MATRIX,), (CUBE,)), ulp=0) for k in (1, 2, 3)],
    Spec("unfold", "Tensor.unfold", windows,
         each((VECTOR, 0, 3, 2), (CUBE, 1, 2, 1), (CUBE, -1, 4, 3)), ulp=0,
         errors=[Error((OUT, 0, 4, 1), RuntimeError, "maximum size"),
                 Error((OUT, 0, 1, 0), RuntimeError, "step")]),
    Spec("diagonal", "diagonal", lambda x, k=0, a=0, b=1: np.diagonal(x, k, a, b),
         each((MATRIX,), (MATRIX, 2), (MATRIX, -1), (CUBE, 0, 1, 2), (CUBE, 1, -1, 0),
              (MATRIX, 9)), ulp=0,
         errors=[Error((OUT, 0, 1, 1), RuntimeError, "identical")]),
    Spec("diag", "diag", np.diag, each((VECTOR,), (MATRIX,), (MATRIX, -1), (VECTOR, 2)), ulp=0),
    Spec("diag_embed", "diag_embed", diag_embed,
         each((VECTOR,), (MATRIX, 1), (MATRIX, -2), (MATRIX, 0, 0, 2)), ulp=0),
]
