"""t[...] and t[...] = v against PyTorch and NumPy, over random expressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch")


class Expressions:
    """Random index expressions; each as one that fastnn, PyTorch and NumPy understand."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def shape(self) -> list[int]:
        return self.rng.integers(1, 6, int(self.rng.integers(0, 5))).tolist()

    def slice(self, n: int) -> slice:
        def end() -> int | None:
            return None if self.rng.random() < 0.4 else int(self.rng.integers(-n - 2, n + 3))
        step = None if self.rng.random() < 0.6 else int(self.rng.integers(1, 4))
        return slice(end(), end(), step)

    def item(self, n: int, advanced: bool, count: int) -> Any:
        kind = self.rng.integers(0, 10)
        if kind < 3:
            return int(self.rng.integers(-n, n))
        if kind < 6 or not advanced:
            return self.slice(n)
        if kind == 6:
            return np.asarray(self.rng.integers(0, 2, n), dtype=bool) if count == n else (
                [int(i) for i in self.rng.integers(-n, n, count)])
        if kind == 7:
            return [int(i) for i in self.rng.integers(-n, n, count)]
        shape = [count] if kind == 8 else [int(self.rng.integers(1, 3)), count]
        return self.rng.integers(-n, n, shape)

    def draw(self, shape: list[int], advanced: bool) -> tuple[Any, ...]:
        dims = int(self.rng.integers(0, len(shape) + 1))
        count = int(self.rng.integers(1, 4))
        out = [self.item(n, advanced, count) for n in shape[:dims]]
        masks = [i for i in out if isinstance(i, np.ndarray) and i.dtype == bool]
        if masks and advanced:  # a mask broadcasts only with what has as many elements
            out = [slice(None) if isinstance(i, (list, np.ndarray)) and i is not masks[0] else i
                   for i in out]
        if self.rng.random() < 0.3:  # dots, and from the right
            rest = [self.item(n, False, 1) for n in shape[dims:]]
            keep = int(self.rng.integers(0, len(rest) + 1))
            out += [Ellipsis, *rest[len(rest) - keep:]]
        while self.rng.random() < 0.25:
            out.insert(int(self.rng.integers(0, len(out) + 1)), None)
        if advanced and self.rng.random() < 0.05:
            out.insert(0, bool(self.rng.random() < 0.5))
        return tuple(out)


def convert(index: Any, package: Any) -> Any:
    """Arrays in an expression as tensors of the package."""
    if isinstance(index, tuple):
        items = tuple(convert(i, package) for i in index)
        return items[0] if len(items) == 1 else items
    if isinstance(index, np.ndarray):
        return package.tensor(index.tolist(), dtype=package.bool if index.dtype == bool
                              else package.int64)
    return index


def pair(shape: list[int], grad: bool = False) -> tuple[Any, Any]:
    x = np.arange(int(np.prod(shape)), dtype="float64").reshape(shape)
    a, b = fastnn.tensor(x), torch.from_numpy(x.copy())
    if len(shape) > 1:
        a, b = a.transpose(0, -1), b.transpose(0, -1)
    return (a.requires_grad_(), b.requires_grad_()) if grad else (a, b)


@pytest.mark.parametrize("seed", range(200))
@pytest.mark.parametrize("advanced", [False, True])
def test_reading(seed: int, advanced: bool) -> None:
    e = Expressions(seed)
    shape = e.shape()
    index = e.draw(list(reversed(shape[1:])) + shape[:1] if len(shape) == 2 else
                   shape[-1:] + shape[1:-1] + shape[:1] if len(shape) > 2 else shape, advanced)
    a, b = pair(shape, grad=True)
    ours, theirs = convert(index, fastnn), convert(index, torch)
    try:
        want = b[theirs]
    except (IndexError, RuntimeError) as refused:
        with pytest.raises((IndexError, type(refused))):
            a[ours]
        return
    got = a[ours]
    assert tuple(got.shape) == tuple(want.shape)
    np.testing.assert_array_equal(got.detach().numpy(), want.detach().numpy())
    if want._is_view():
        assert got._is_view()
        assert not want.numel() or got.storage_offset() == want.storage_offset()
        assert all(n <= 1 or s == t for n, s, t in
                   zip(want.shape, got.stride(), want.stride(), strict=True))
    g = np.random.default_rng(0).standard_normal(tuple(want.shape))
    got.backward(fastnn.tensor(g))
    want.backward(torch.tensor(g))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("seed", range(200))
@pytest.mark.parametrize("advanced", [False, True])
def test_writing(seed: int, advanced: bool) -> None:
    e = Expressions(1000 + seed)
    shape = e.shape()
    index = e.draw(shape, advanced)
    x = np.arange(int(np.prod(shape)), dtype="float64").reshape(shape)
    leaf_a, leaf_b = fastnn.tensor(x).requires_grad_(), torch.tensor(x).requires_grad_()
    a, b = leaf_a * 2, leaf_b * 2
    try:
        target = b.detach()[convert(index, torch)]
    except (IndexError, RuntimeError) as refused:
        with pytest.raises((IndexError, type(refused))):
            a[convert(index, fastnn)] = 1.0
        return
    kind = int(e.rng.integers(0, 4))
    if kind == 0:
        a[convert(index, fastnn)] = 7.5
        b[convert(index, torch)] = 7.5
        va = vb = None
    else:
        size = list(target.shape)
        if kind == 2 and size:
            size[int(e.rng.integers(0, len(size)))] = 1
        if kind == 3:
            size = size[1:]
        v = e.rng.standard_normal(size)
        va, vb = fastnn.tensor(v).requires_grad_(), torch.tensor(v).requires_grad_()
        flat = [i for i in index if isinstance(i, (list, np.ndarray))]
        try:
            b[convert(index, torch)] = vb
        except RuntimeError:
            with pytest.raises(RuntimeError):
                a[convert(index, fastnn)] = va
            return
        a[convert(index, fastnn)] = va
        if flat:
            positions = np.arange(x.size).reshape(shape)[
                tuple(np.asarray(i) if isinstance(i, list) else i for i in index)]
            if len(np.unique(positions)) != positions.size:
                return  # duplicates: which value stays is defined here and not there
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    g = np.random.default_rng(0).standard_normal(shape)
    if a.requires_grad:
        a.backward(fastnn.tensor(g))
        b.backward(torch.tensor(g))
        np.testing.assert_allclose(leaf_a.grad.numpy(), leaf_b.grad.numpy(), rtol=1e-13)
        if va is not None and vb.grad is None:  # t[False] = v: PyTorch does not look at v
            assert not va.grad.numpy().any()
        elif va is not None:
            np.testing.assert_allclose(va.grad.numpy(), vb.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize("seed", range(200))
def test_reading_agrees_with_numpy(seed: int) -> None:
    """But for an int beside index arrays, which NumPy counts among the index arrays."""
    e = Expressions(5000 + seed)
    shape = e.shape()
    index = e.draw(shape, True)
    if any(type(i) is int for i in index) and any(isinstance(i, (list, np.ndarray)) for i in index):
        index = tuple(slice(i, i + 1 or None) if type(i) is int else i for i in index)
    x = np.arange(int(np.prod(shape))).reshape(shape)
    try:
        want = x[index]
    except IndexError:
        with pytest.raises(IndexError):
            fastnn.tensor(x)[index]
        return
    np.testing.assert_array_equal(fastnn.tensor(x)[index].numpy(), want)


def test_masks() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    for mask in (x > 7, (x > 7)[..., 0], np.array([True, False]), x < 0):
        a, m = fastnn.tensor(x), fastnn.tensor(mask)
        np.testing.assert_array_equal(a[m].numpy(), x[mask])
        np.testing.assert_array_equal(a[mask].numpy(), x[mask])
        np.testing.assert_array_equal(a[m.to(fastnn.uint8)].numpy(), x[mask])
        want = x.copy()
        want[mask] = -1
        a[m] = -1
        np.testing.assert_array_equal(a.numpy(), want)
        v = np.random.default_rng(0).standard_normal(x[mask].shape)
        want[mask] = v
        a[m] = fastnn.tensor(v)
        np.testing.assert_array_equal(a.numpy(), want)
    with pytest.raises(IndexError, match="mask"):
        fastnn.tensor(x)[fastnn.ones(2, 2, dtype=fastnn.bool)]


def test_scalars_as_indices() -> None:
    x = fastnn.arange(10)
    for i in (3, np.int64(3), np.array(3), fastnn.tensor(3), np.uint8(3)):
        assert x[i].item() == 3 and x[i].ndim == 0 and x[i]._is_view()
    assert x[fastnn.tensor([3])].shape == (1,)
    assert x[fastnn.tensor(2):fastnn.tensor(5)].tolist() == [2, 3, 4]
    assert x[range(2, 4)].tolist() == [2, 3] and x[[]].shape == (0,)
    assert x[True].shape == (1, 10) and x[False].shape == (0, 10)


@pytest.mark.parametrize("index, kind", [
    (5, IndexError), (-4, IndexError), ((0, 0, 0), IndexError), (1.5, IndexError),
    ("a", IndexError), (slice(None, None, -1), ValueError), ((..., ...), IndexError),
    ([3], IndexError), ([[0], [-4]], IndexError), (([0, 1], [0, 1, 2]), IndexError),
])
def test_refused(index: Any, kind: type[Exception]) -> None:
    x = fastnn.zeros(3, 4)
    with pytest.raises((kind, RuntimeError) if isinstance(index, tuple) else kind):
        x[index]
    with pytest.raises((kind, RuntimeError) if isinstance(index, tuple) else kind):
        x[index] = 1
    assert not x.numpy().any()


def test_rank_0() -> None:
    x = fastnn.tensor(3.0)
    assert x[...].item() == 3 and x[None].shape == (1,) and x[()].item() == 3
    x[()] = 4
    x[...] = x + 1
    assert x.item() == 5
    with pytest.raises(IndexError, match="0-dim"):
        x[0]


def test_writing_through_overlap() -> None:
    x = fastnn.arange(12.0).reshape(3, 4)
    x[:, 0] = x[:, 1]
    assert x[:, 0].tolist() == [1, 5, 9]
    with pytest.raises(RuntimeError, match="single memory"):
        x[:, 1:] = x[:, :-1]
    with pytest.raises(RuntimeError, match="single memory"):
        fastnn.zeros(1, 3).expand(2, 3)[0:2] = 1


def test_value_forms() -> None:
    x = fastnn.zeros(2, 3)
    x[0] = np.array([1, 2, 3])
    x[1] = fastnn.tensor([[4.5, 5, 6]])
    assert x.tolist() == [[1, 2, 3], [4.5, 5, 6]]
    i = fastnn.zeros(3, dtype=fastnn.int64)
    i[1] = 2.9
    i[2] = fastnn.tensor(-1.5)
    assert i.tolist() == [0, 2, -1]
    with pytest.raises(RuntimeError):
        x[0] = fastnn.zeros(2)


def test_version_and_leaf() -> None:
    w = fastnn.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        w[0] = 1.0
    with fastnn.no_grad():
        w[0] = 1.0
    assert w.tolist() == [1, 0, 0]
    x = fastnn.ones(3, requires_grad=True)
    y = x * 1
    z = y * y
    y[0] = 5.0
    with pytest.raises(RuntimeError, match="in-place"):
        z.backward(fastnn.ones(3))


def test_loop_of_writes_keeps_the_history() -> None:
    a, b = (p.tensor([1.0, 2.0, 3.0], requires_grad=True) for p in (fastnn, torch))
    for p, x in ((fastnn, a), (torch, b)):
        out = p.zeros(3, 3)
        for i in range(3):
            for j in range(3):
                out[i, j] = x[i] * x[j]
        out[1] *= 2
        (out * out).backward(p.ones(3, 3))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy())
