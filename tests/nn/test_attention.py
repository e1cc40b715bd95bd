"""scaled_dot_product_attention beyond its record: dropout, layouts, second derivatives, memory."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn._core import runtime

F = fastnn.nn.functional
attention = F.scaled_dot_product_attention


def normal(*shape: int, seed: int = 0) -> fastnn.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape)
    return fastnn.tensor(values).requires_grad_()


def dropped_weights(q: fastnn.Tensor, k: fastnn.Tensor, p: float, causal: bool) -> np.ndarray:
    """The weights themselves: what identity matrices as values give."""
    fastnn.manual_seed(5)
    eye = fastnn.eye(k.size(2), dtype=q.dtype).expand(*k.shape[:2], -1, -1)
    return np.array(attention(q, k, eye, dropout_p=p, is_causal=causal).detach().numpy())


@pytest.mark.parametrize("t, s, causal", [(3, 5, False), (70, 70, True), (65, 200, False)])
def test_dropout_drops_weights_and_backward_drops_the_same(t: int, s: int, causal: bool) -> None:
    q, k, v, g = normal(2, 3, t, 8), normal(2, 3, s, 8), normal(2, 3, s, 6), normal(2, 3, t, 6)
    full = dropped_weights(q, k, 0.0, causal)
    kept = dropped_weights(q, k, 0.25, causal)
    mask = kept != 0
    np.testing.assert_allclose(kept, np.where(mask, full / 0.75, 0), rtol=1e-12)
    seen = full > 0
    assert abs((mask & seen).sum() / seen.sum() - 0.75) < 4 * np.sqrt(0.19 / seen.sum())
    fastnn.manual_seed(5)
    y = attention(q, k, v, dropout_p=0.25, is_causal=causal)
    y.backward(g)
    vn, gn, qn, kn = (np.array(x.detach().numpy()) for x in (v, g, q, k))
    np.testing.assert_allclose(y.detach().numpy(), kept @ vn, rtol=1e-12, atol=1e-12)
    dp = np.where(mask, gn @ vn.swapaxes(2, 3) / 0.75, 0)
    ds = full * (dp - (dp * full).sum(-1, keepdims=True)) / np.sqrt(8)
    for got, want in ((q.grad, ds @ kn), (k.grad, ds.swapaxes(2, 3) @ qn),
                      (v.grad, kept.swapaxes(2, 3) @ gn)):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-11, atol=1e-11)


def test_dropout_has_no_second_derivative() -> None:
    q = normal(1, 1, 3, 2)
    y = attention(q, q, q, dropout_p=0.5)
    with pytest.raises(NotImplementedError, match="second derivative"):
        fastnn.autograd.grad(y.sum(), q, create_graph=True)


def test_the_result_of_split_heads_joins_them_without_a_copy() -> None:
    y = attention(*[normal(2, 9, 3, 4, seed=i).transpose(1, 2) for i in range(3)])
    assert y.shape == (2, 3, 9, 4) and y.stride() == (108, 4, 12, 1)
    joined = y.transpose(1, 2).reshape(2, 9, 12)
    assert joined.data_ptr() == y.data_ptr()


@pytest.mark.parametrize("shape", [(1, 1, 300, 600, 8), (3, 2, 70, 130, 16), (1, 2, 1, 500, 8)])
@pytest.mark.parametrize("causal", [False, True])
def test_gradients_are_the_same_bits_for_any_number_of_threads(
    shape: tuple[int, ...], causal: bool
) -> None:
    b, h, t, s, e = shape
    before, found = runtime.get_num_threads(), set()
    try:
        for threads in (1, 2, 3, 5, 8):
            runtime.set_num_threads(threads)
            q, k, v = normal(b, h, t, e), normal(b, h, s, e, seed=1), normal(b, h, s, e, seed=2)
            y = attention(q, k, v, is_causal=causal)
            y.backward(normal(b, h, t, e, seed=3))
            found.add(b"".join(x.numpy().tobytes() for x in (y.detach(), q.grad, k.grad, v.grad)))
    finally:
        runtime.set_num_threads(before)
    assert len(found) == 1


def test_nan_and_infinity_reach_the_result() -> None:
    q, k, v = (normal(1, 1, 5, 4, seed=i).detach() for i in range(3))
    q[0, 0, 2, 1] = float("nan")
    y = attention(q, k, v).numpy()
    assert np.isnan(y[0, 0, 2]).all() and np.isfinite(y[0, 0, [0, 1, 3, 4]]).all()


def test_no_matrix_of_queries_by_keys_is_in_memory() -> None:
    t = 2048
    q, k, v = (normal(1, 1, t, 8, seed=i) for i in range(3))
    runtime.reset_peak_memory()
    before = runtime.memory_stats()["peak_bytes"]
    attention(q, k, v).sum().backward()
    assert runtime.memory_stats()["peak_bytes"] - before < t * t * 8 / 4
