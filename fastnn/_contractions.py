"""Sums of products over named or numbered dimensions, composed of matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor, register

__all__ = ["cdist", "cross", "det", "einsum", "inverse", "kron", "tensordot", "trace"]

Labels = list[Any]


def _parse(equation: str, operands: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of every operand and of the result; ("...", k) is the ellipsis' dimension k."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): {len(terms)} operands in the equation, {len(operands)} "
                           "given")
    widest = 0
    labels = []
    for term, x in zip(terms, operands, strict=True):
        head, dots, tail = term.partition("...")
        named = len(head) + len(tail)
        extra = x.ndim - named
        if extra < 0 or (extra and not dots):
            raise RuntimeError(f"einsum(): the subscripts {term!r} do not match an operand of "
                               f"{x.ndim} dimensions")
        if not (head + tail).isalpha() and head + tail:
            raise RuntimeError(f"einsum(): invalid subscript in {term!r}")
        widest = max(widest, extra)
        labels.append([*head, *[("...", k - extra) for k in range(extra)], *tail])
    dots_out = [("...", k) for k in range(-widest, 0)]
    if arrow:
        head, dots, tail = right.partition("...")
        out: Labels = [*head, *(dots_out if dots else []), *tail]
    else:
        names = [s for term in labels for s in term if isinstance(s, str)]
        out = [*dots_out, *sorted(s for s in set(names) if names.count(s) == 1)]
    known = {s for term in labels for s in term}
    for s in out:
        if s not in known or out.count(s) > 1:
            raise RuntimeError(f"einsum(): output subscript {s} does not appear exactly once, or "
                               "in no operand")
    return labels, out


def _diagonals(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """A label that an operand has twice names its diagonal."""
    for s in [s for s in dict.fromkeys(labels) if labels.count(s) > 1]:
        while labels.count(s) > 1:
            i = labels.index(s)
            j = labels.index(s, i + 1)
            if x.shape[i] != x.shape[j]:
                raise RuntimeError(f"einsum(): subscript {s} is repeated for dimensions of sizes "
                                   f"{x.shape[i]} and {x.shape[j]}")
            x = x.diagonal(dim1=i, dim2=j)
            labels = [t for k, t in enumerate(labels) if k not in (i, j)] + [s]
    return x, labels


def _drop(x: Tensor, labels: Labels, keep: set[Any]) -> tuple[Tensor, Labels]:
    """Sum over the labels that nobody needs any more."""
    gone = [i for i, s in enumerate(labels) if s not in keep]
    return (x.sum(gone), [s for s in labels if s in keep]) if gone else (x, labels)


def _pair(a: Tensor, la: Labels, b: Tensor, lb: Labels, keep: set[Any]) -> tuple[Tensor, Labels]:
    """a times b, summed over the labels of both that are not to be kept: one batched product."""
    shared = [s for s in la if s in lb]
    for s in shared:  # size 1 against size n repeats: leave the label to the other operand
        na, nb = a.shape[la.index(s)], b.shape[lb.index(s)]
        if na != nb:
            if 1 not in (na, nb):
                raise RuntimeError(f"einsum(): subscript {s} has size {na} in one operand and {nb} "
                                   "in another")
            if na == 1:
                a, la = a.squeeze(la.index(s)), [t for t in la if t != s]
            else:
                b, lb = b.squeeze(lb.index(s)), [t for t in lb if t != s]
    a, la = _drop(a, la, keep | set(lb))
    b, lb = _drop(b, lb, keep | set(la))
    batch = [s for s in la if s in lb and s in keep]
    inner = [s for s in la if s in lb and s not in keep]
    rows = [s for s in la if s not in lb]
    cols = [s for s in lb if s not in la]
    size = {**{s: a.shape[i] for i, s in enumerate(la)}, **{s: b.shape[i]
                                                           for i, s in enumerate(lb)}}

    def count(names: Labels) -> int:
        return math.prod(size[s] for s in names)

    left = a.permute([la.index(s) for s in batch + rows + inner]).reshape(
        count(batch), count(rows), count(inner))
    right = b.permute([lb.index(s) for s in batch + inner + cols]).reshape(
        count(batch), count(inner), count(cols))
    out = batch + rows + cols
    return ops.bmm(left, right).reshape([size[s] for s in out]), out


def _from_sublists(args: Sequence[Any]) -> tuple[str, list[Tensor]]:
    """einsum(x, [0, 1], y, [1, 2], [0, 2]) as an equation."""
    def text(sub: Sequence[Any]) -> str:
        return "".join("..." if s is Ellipsis else chr(65 + s if s < 26 else 71 + s) for s in sub)

    tensors, subs = list(args[:len(args) // 2 * 2:2]), list(args[1::2])
    equation = ",".join(text(s) for s in subs)
    if len(args) % 2:
        equation += "->" + text(args[-1])
    return equation, tensors


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum of products over labelled dimensions: einsum("bij,bjk->bik", x, y).

    Labels missing from the result are summed over; a label twice in one operand takes the
    diagonal; "..." stands for dimensions that broadcast; without "->" the result has the labels
    that occur once, in alphabetical order. Also einsum(x, [0, 1], y, [1, 2], [0, 2]). Operands
    are multiplied from left to right. Raises RuntimeError for what does not fit.
    """
    if isinstance(equation, str):
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
    else:
        equation, listed = _from_sublists((equation, *operands))
        operands = tuple(listed)
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    labels, out = _parse(equation, operands)
    pairs = [_diagonals(x, la) for x, la in zip(operands, labels, strict=True)]
    acc, have = pairs[0]
    for k, (x, lx) in enumerate(pairs[1:], 1):
        later = {s for _, ls in pairs[k + 1:] for s in ls}
        acc, have = _pair(acc, have, x, lx, set(out) | later)
    acc, have = _drop(acc, have, set(out))
    return acc.permute([have.index(s) for s in out])


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sum of products over the last `dims` dimensions of a and the first of b, or over the pairs
    of dimensions in dims = (dims of a, dims of b). Raises RuntimeError where sizes differ."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        da, db = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        da, db = ([d] if isinstance(d, int) else list(d) for d in dims)
    da, db = [d % a.ndim for d in da], [d % b.ndim for d in db]
    if len(da) != len(db) or any(a.shape[i] != b.shape[j] for i, j in zip(da, db, strict=True)):
        raise RuntimeError(f"tensordot: contracted dimensions {da} of {tuple(a.shape)} and {db} of "
                           f"{tuple(b.shape)} do not match")
    rows = [i for i in range(a.ndim) if i not in da]
    cols = [j for j in range(b.ndim) if j not in db]
    inner = math.prod(a.shape[i] for i in da)
    left = a.permute(rows + da).reshape(math.prod(a.shape[i] for i in rows), inner)
    right = b.permute(db + cols).reshape(inner, math.prod(b.shape[j] for j in cols))
    y = ops.mm(left, right).reshape([a.shape[i] for i in rows] + [b.shape[j] for j in cols])
    return y if out is None else out.copy_(y)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of input times the whole of other."""
    n = max(input.ndim, other.ndim)
    a = input.reshape([1] * (n - input.ndim) + list(input.shape))
    b = other.reshape([1] * (n - other.ndim) + list(other.shape))
    spread = [s for size in a.shape for s in (size, 1)]
    tiled = [s for size in b.shape for s in (1, size)]
    product = a.reshape(spread) * b.reshape(tiled)
    return product.reshape([i * j for i, j in zip(a.shape, b.shape, strict=True)])


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dimension of size 3 (the first such one, if dim is None)."""
    if dim is None:
        found = [i for i, s in enumerate(input.shape) if s == 3]
        if not found:
            raise RuntimeError(f"cross: no dimension of size 3 in input {tuple(input.shape)}")
        dim = found[0]
    a, b = ops.broadcast_tensors(input, other)
    if a.shape[dim] != 3:
        raise RuntimeError(f"cross: dimension {dim} must have size 3, got {a.shape[dim]}")
    return a.roll(-1, dim) * b.roll(-2, dim) - a.roll(-2, dim) * b.roll(-1, dim)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """Distances in the p-norm between the rows of x1 (..., P, M) and of x2 (..., R, M)."""
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"cdist: {tuple(x1.shape)} and {tuple(x2.shape)} do not have rows of "
                           "one length")
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()


def inverse(input: Tensor) -> Tensor:
    """linalg.inv(input)."""
    from fastnn import linalg  # loaded on first use
    return linalg.inv(input)


def det(input: Tensor) -> Tensor:
    """linalg.det(input)."""
    from fastnn import linalg
    return linalg.det(input)


register("det", det)
register("inverse", inverse)
register("cross", cross)
register("trace", trace)
register("kron", kron)
