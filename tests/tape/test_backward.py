"""The backward pass: what it computes, in which order, and what it refuses."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import fastnn
from fastnn._core import runtime


def leaf(*values: float):
    return fastnn.tensor([float(v) for v in values], requires_grad=True)


def test_gradients_of_a_value_used_twice_add_up():
    x = leaf(2.0, 3.0)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_backward_adds_to_grad():
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    first = x.grad
    (x * 4).sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]
    assert x.grad is first


def test_an_accumulated_gradient_that_is_a_view_of_a_bucket_stays_one():
    bucket = fastnn.zeros(4)
    x = leaf(1.0, 2.0)
    x.grad = bucket[1:3]
    (x * 3).sum().backward()
    assert bucket.tolist() == [0, 3, 3, 0]


def test_the_gradient_does_not_share_memory_with_the_seed():
    x = leaf(1.0, 2.0)
    seed = fastnn.tensor([1.0, 1.0])
    y = x + 0
    y.backward(seed)
    x.grad.fill_(9.0)
    assert seed.tolist() == [1.0, 1.0]


def test_two_leaves_do_not_share_one_gradient():
    a, b = leaf(1.0), leaf(2.0)
    (a + b).backward()
    a.grad.fill_(5.0)
    assert b.grad.tolist() == [1.0]


def test_broadcast_inputs_get_gradients_of_their_own_shape():
    a = fastnn.ones(3, 1, requires_grad=True)
    b = fastnn.ones(4, requires_grad=True)
    c = fastnn.tensor(2.0, requires_grad=True)
    (a * b * c).sum().backward()
    assert a.grad.shape == (3, 1) and a.grad.flatten().tolist() == [8.0] * 3
    assert b.grad.shape == (4,) and b.grad.tolist() == [6.0] * 4
    assert c.grad.shape == () and c.grad.item() == 12.0


def test_promoted_inputs_get_gradients_of_their_own_dtype():
    a = fastnn.ones(2, requires_grad=True)
    b = fastnn.ones(2, dtype=fastnn.float64, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.dtype == fastnn.float32 and b.grad.dtype == fastnn.float64


def test_create_graph_gives_a_differentiable_gradient():
    x = leaf(2.0, 3.0)
    (g,) = fastnn.autograd.grad((x**3).sum(), x, create_graph=True)
    assert g.requires_grad
    (g * g).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 36 * np.array([8.0, 27.0]), rtol=1e-6)


def test_grad_leaves_grad_alone_and_stops_at_its_inputs():
    x = leaf(2.0)
    y = x * 3
    z = y * y
    (gy,) = fastnn.autograd.grad(z, y, fastnn.ones(1))
    assert gy.tolist() == [12.0] and x.grad is None


def test_grad_of_an_unused_input():
    x, u = leaf(2.0), leaf(1.0)
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match="not have been used"):
        fastnn.autograd.grad(y, [x, u], retain_graph=True)
    gx, gu = fastnn.autograd.grad(y, [x, u], retain_graph=True, allow_unused=True)
    assert gx.tolist() == [2.0] and gu is None
    gu = fastnn.autograd.grad(y, [u], materialize_grads=True)[0]
    assert gu.tolist() == [0.0]


def test_backward_with_inputs_touches_only_those():
    a, b = leaf(2.0), leaf(3.0)
    (a * b).sum().backward(inputs=[a])
    assert a.grad.tolist() == [3.0] and b.grad is None


def test_a_second_backward_needs_retain_graph():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_a_seed_is_needed_unless_there_is_one_element():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="implicitly created only for scalar"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="shape"):
        (x * 2).backward(fastnn.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        fastnn.ones(1).backward()


def test_a_saved_value_that_was_changed_is_noticed():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = (y * y).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        z.backward()


def test_an_in_place_op_after_use_that_needs_nothing_saved_is_fine():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y + 1
    y.add_(1)
    (z.sum() + y.sum()).backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_in_place_chain_has_the_chain_rule():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.mul_(3).add_(x)
    y.sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]


def test_in_place_on_a_slice_of_an_intermediate():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    y[1:].mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 20.0, 20.0]


def test_assigning_into_a_buffer_differentiates_what_was_assigned():
    w = leaf(1.0, 2.0)
    buffer = fastnn.zeros(3, 2)
    for i in range(3):
        buffer[i] = w * (i + 1)
    (buffer * buffer).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), [28.0, 56.0])


def test_a_view_of_a_view_written_to():
    x = leaf(*range(6))
    y = (x * 1).view(2, 3)
    y[:, 1].view(2, 1).mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [1, 5, 1, 1, 5, 1]


def test_detach_shares_memory_but_not_history():
    x = leaf(1.0, 2.0)
    y = x * 2
    d = y.detach()
    assert not d.requires_grad and d.data_ptr() == y.data_ptr()
    d.add_(1)
    assert y.tolist() == [3.0, 5.0]


def test_hooks_of_leaves_and_others_see_and_replace_gradients():
    x = leaf(1.0, 2.0)
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()) or g * 10)
    handle = x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [21.0, 21.0]
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


LAYOUTS = {  # of a leaf; gradients lie like their leaf, or contiguous where that has gaps
    "contiguous": lambda x: x,
    "channels_last": lambda x: x.contiguous(memory_format=fastnn.channels_last),
    "transposed": lambda x: x.transpose(0, 3),
    "gaps": lambda x: x[:, :, ::2],
    "expanded": lambda x: x[:1].expand(4, 3, 6, 5),
}


@pytest.mark.parametrize("of_leaf", LAYOUTS)
@pytest.mark.parametrize("of_gradient", ["contiguous", "channels_last", "transposed"])
def test_a_gradient_lies_like_its_leaf(of_leaf, of_gradient):
    x = LAYOUTS[of_leaf](fastnn.randn(2, 3, 6, 5)).detach().requires_grad_()
    order = (3, 1, 2, 0) if of_gradient == "transposed" else (0, 1, 2, 3)
    shape = [x.shape[d] for d in order]
    g = LAYOUTS[of_gradient](fastnn.randn(*shape))
    want = x.stride() if of_leaf in ("channels_last", "transposed") else g.contiguous().stride()
    for times in (1, 2):
        (x * 1).backward(g)
        assert x.grad.stride() == want
        np.testing.assert_array_equal(x.grad.numpy(), times * g.numpy())


def test_post_accumulate_hooks_run_when_grad_is_there():
    x = leaf(1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.item()))
    (x * 2).sum().backward()
    assert seen == [2.0]


def test_retain_grad_of_a_non_leaf():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0] and y.retains_grad


def test_node_hooks():
    x = leaf(1.0)
    y = x * 3
    seen = []
    y.grad_fn.register_hook(lambda gi, go: seen.append((gi[0].item(), go[0].item())))
    y.backward()
    assert seen == [(3.0, 1.0)]


def test_modes_nest_and_decorate():
    x = leaf(1.0)
    with fastnn.no_grad():
        assert not (x * 2).requires_grad
        with fastnn.enable_grad():
            assert (x * 2).requires_grad
    assert fastnn.is_grad_enabled()

    @fastnn.no_grad()
    def f():
        return (x * 2).requires_grad

    @fastnn.no_grad
    def g():
        return (x * 2).requires_grad

    assert not f() and not g() and fastnn.is_grad_enabled()
    fastnn.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    fastnn.set_grad_enabled(True)
    with fastnn.set_grad_enabled(False):
        assert not fastnn.is_grad_enabled()
    with fastnn.inference_mode():
        assert not (x * 2).requires_grad and fastnn.is_inference_mode_enabled()


def test_no_grad_on_a_generator_covers_its_body_only():
    x = leaf(1.0)

    @fastnn.no_grad()
    def numbers():
        yield (x * 2).requires_grad
        yield (x * 2).requires_grad

    found = []
    for inside in numbers():
        found += [inside, (x * 2).requires_grad]
    assert found == [False, True, False, True]


def test_grad_mode_belongs_to_the_thread():
    found = []
    with fastnn.no_grad():
        t = threading.Thread(target=lambda: found.append(fastnn.is_grad_enabled()))
        t.start()
        t.join()
    assert found == [True]


def test_an_error_in_backward_publishes_nothing():
    x, y = leaf(1.0), leaf(2.0)
    z = x * y
    bad = z * 1

    def fail(g):
        raise KeyError("planted")

    x.register_hook(fail)
    with pytest.raises(KeyError, match="planted"):
        bad.backward()
    assert x.grad is None and y.grad is None


def test_anomaly_mode_names_the_op_that_made_a_nan():
    x = leaf(0.0)
    y = (x * fastnn.tensor([float("inf")])).sqrt()
    with fastnn.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="SqrtBackward0"):
        y.backward()


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_graph_a_million_deep_neither_recurses_nor_leaks(in_thread):
    def work():
        x = leaf(1.0)
        y = x
        for _ in range(1_000_000):
            y = y + 1
        y.backward()
        done.append(x.grad.tolist())

    done: list[list[float]] = []
    gc.collect()
    before = runtime.memory_stats()["live_blocks"]
    if in_thread:
        t = threading.Thread(target=work)
        t.start()
        t.join()
    else:
        work()
    gc.collect()
    assert done == [[1.0]]
    assert runtime.memory_stats()["live_blocks"] == before


def test_a_deep_graph_that_saves_values_is_released_without_backward():
    x = leaf(1.0)
    y = x
    for _ in range(300_000):
        y = y * y
    del y
    assert x.grad is None


def test_a_graph_is_freed_with_its_last_tensor():
    x = leaf(1.0, 2.0)
    y = (x * x).exp()
    ref = weakref.ref(y.grad_fn)
    gc.disable()
    try:
        del y
        assert ref() is None, "a cycle keeps the graph alive"
    finally:
        gc.enable()


def test_threads_differentiate_side_by_side():
    w = fastnn.ones(50, 50, requires_grad=True)
    results = []

    def work(k):
        for _ in range(50):
            x = fastnn.full((50, 50), float(k))
            (g,) = fastnn.autograd.grad((w * x).sum(), w)
            results.append(bool((g == k).all()))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 200 and all(results)


def test_backward_inside_backward():
    class Inner(fastnn.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            with fastnn.enable_grad():
                z = x.detach().requires_grad_()
                (z * z).sum().backward()
            return g * z.grad

    x = leaf(3.0)
    Inner.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]


def test_a_gradient_that_nobody_else_holds_is_taken_without_a_copy():
    x = leaf(1.0, 2.0)
    y = (x * 3).sum()
    with runtime.Trace() as trace:
        y.backward()
    assert "clone" not in [op for op, _ in trace.ops]
