"""Random tensors, generators and dropout as Python sees them; torch is the oracle of their form."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastnn


@pytest.fixture(autouse=True)
def seeded():
    state = fastnn.get_rng_state()
    fastnn.manual_seed(0)
    yield
    fastnn.set_rng_state(state)


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


# ---- generators

def test_a_seed_is_a_stream():
    a = fastnn.rand(10)
    b = fastnn.rand(10)
    fastnn.manual_seed(0)
    assert same(fastnn.rand(10), a) and same(fastnn.rand(10), b) and not same(a, b)
    fastnn.manual_seed(1)
    assert not same(fastnn.rand(10), a)


def test_manual_seed_returns_the_generator_and_takes_negatives():
    assert fastnn.manual_seed(5) is fastnn.default_generator
    assert fastnn.initial_seed() == 5
    assert fastnn.manual_seed(-1).initial_seed() == 2**64 - 2
    assert fastnn.manual_seed(2**64 - 1).initial_seed() == 2**64 - 1
    with pytest.raises(RuntimeError, match="Overflow"):
        fastnn.manual_seed(2**64)


def test_a_generator_of_its_own():
    g = fastnn.Generator()
    assert g.initial_seed() == 67280421310721 and g.device.type == "cpu"
    before = fastnn.get_rng_state()
    a = fastnn.rand(5, generator=g.manual_seed(3))
    assert same(fastnn.get_rng_state(), before)
    assert same(fastnn.rand(5, generator=fastnn.Generator().manual_seed(3)), a)
    with pytest.raises(TypeError, match="Generator"):
        fastnn.rand(5, generator=3)


def test_state_round_trips():
    g = fastnn.Generator().manual_seed(9)
    fastnn.randn(7, generator=g)
    state = g.get_state()
    assert state.dtype == fastnn.uint8
    a = fastnn.randn(7, generator=g)
    for h in (fastnn.Generator().set_state(state), pickle.loads(pickle.dumps(g.set_state(state))),
              copy.deepcopy(g), g.clone_state()):
        assert same(fastnn.randn(7, generator=h), a)
    with pytest.raises(TypeError):
        g.set_state(fastnn.rand(16))


def test_seed_comes_from_the_system():
    assert fastnn.seed() != fastnn.seed()
    assert fastnn.initial_seed() == fastnn.default_generator.initial_seed()


def test_processes_start_with_different_seeds():
    code = "import fastnn; print(fastnn.initial_seed())"
    out = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout for _ in range(2)}
    assert len(out) == 2


def test_fork_rng():
    from fastnn.random import fork_rng

    with fork_rng():
        a = fastnn.rand(3)
    assert same(fastnn.rand(3), a)


def test_threads_draw_disjoint_ranges():
    found = []

    def draw():
        for _ in range(50):
            found.append(np.asarray(fastnn.randint(0, 2**62, (100,))).copy())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(np.unique(np.concatenate(found))) == 4 * 50 * 100


def test_same_bits_for_any_number_of_threads():
    from fastnn._core import runtime

    results = []
    try:
        for n in (1, 2, 3, 4, 7, 8):
            runtime.set_num_threads(n)
            fastnn.manual_seed(1)
            results.append([fastnn.randn(99_999), fastnn.rand(50_001, dtype=fastnn.float64),
                            fastnn.dropout(fastnn.rand(99_999), 0.4, True)])
    finally:
        runtime.set_num_threads(runtime.cpu_count())
    assert all(same(a, b) for r in results for a, b in zip(r, results[0], strict=True))


# ---- form: shapes, dtypes, arguments, errors, as torch has them

FORMS = [
    "rand(2, 3)", "rand((2, 3))", "rand([4])", "rand(())", "rand(0, 2)",
    "rand(3, dtype=t.float64)", "rand(3, requires_grad=True)", "randn(2, 1, 3)",
    "randn(size=(2, 3))", "rand(size=())", "rand(3, dtype=t.float16)", "rand(2, dtype=t.int64)",
    "randn(2, dtype=t.int32)",
    "randint(10, (2, 3))", "randint(3, 5, (4,))", "randint(low=3, high=5, size=(4,))",
    "randint(10, size=(2,))", "randint(0, 5, size=[2])", "randint(10, (2,), dtype=t.float32)",
    "randint(5, 5, (2,))", "randint(300, (2,), dtype=t.uint8)", "randint(high=4, size=(2,))",
    "randperm(5)", "randperm(0)", "randperm(5, dtype=t.int32)", "randperm(-1)",
    "rand_like(t.zeros(2, 3, dtype=t.float64))", "randn_like(t.zeros(2, 3).T)",
    "rand_like(t.zeros(2, dtype=t.int64))", "randn_like(t.zeros(3), dtype=t.float64)",
    "randint_like(t.zeros(2, 2), 7)", "randint_like(t.zeros(2, 2, dtype=t.int64), 2, 7)",
    "normal(0.0, 1.0, (2, 3))", "normal(t.zeros(3), 1.0)", "normal(t.zeros(3))",
    "normal(1.0, t.ones(3))", "normal(t.zeros(2, 3), t.ones(2, 3))", "normal(t.zeros(3), -1.0)",
    "normal(t.zeros(3), -t.ones(3))",
    "bernoulli(t.full((2, 2), 0.5))", "bernoulli(t.full((2,), 0.5, dtype=t.float64), 0.3)",
    "bernoulli(t.full((2,), 1.5))", "bernoulli(t.zeros(2, dtype=t.int64))",
    "multinomial(t.ones(5), 3)", "multinomial(t.ones(2, 5), 3)",
    "multinomial(t.ones(2, 5), 7, True)", "multinomial(t.ones(5), 7)",
    "multinomial(t.zeros(5), 2)", "multinomial(-t.ones(5), 2)",
    "multinomial(t.ones(5), 0)", "multinomial(t.ones(2, 2, 2), 1)",
    "multinomial(t.ones(5, dtype=t.int64), 1)", "multinomial(t.tensor([1.0, 0, 0]), 2)",
    "zeros(3).uniform_()", "zeros(3).uniform_(2, 5)", "zeros(3).uniform_(5, 2)",
    "zeros(3, dtype=t.int64).uniform_()", "zeros(3).normal_(1, 2)",
    "zeros(3).normal_(mean=0, std=-1)", "zeros(3).exponential_()", "zeros(3).exponential_(-1)",
    "zeros(3).bernoulli_()", "zeros(3, dtype=t.bool).bernoulli_(0.5)", "zeros(3).bernoulli_(2)",
    "zeros(3).bernoulli_(t.full((3,), 0.5))", "zeros(3).random_()", "zeros(3).random_(5)",
    "zeros(3, dtype=t.int64).random_(2, 5)", "zeros(3).random_(5, 2)",
    "zeros(3, requires_grad=True).uniform_()",
    "dropout(t.ones(4), 0.5, True)", "dropout(t.ones(4), 0.5, False)",
    "dropout(t.ones(4), 2.0, True)", "dropout(t.ones(4), 1.0, True)",
    "feature_dropout(t.ones(2, 3, 4), 0.5, True)", "feature_dropout(t.ones(4), 0.5, True)",
    "alpha_dropout(t.ones(4), 0.5, True)",
    "feature_alpha_dropout(t.ones(2, 3, 4), 0.5, True)", "alpha_dropout(t.ones(4), -1.0, True)",
]


@pytest.mark.parametrize("form", FORMS)
def test_form(form):
    torch = pytest.importorskip("torch")

    def outcome(t):
        try:
            y = eval("t." + form, {"t": t})
        except Exception as e:
            kinds = (NotImplementedError, IndexError, ValueError, TypeError, RuntimeError)
            return next(k.__name__ for k in kinds if isinstance(e, k))
        return (tuple(y.shape), str(y.dtype).split(".")[1], y.stride(), y.requires_grad, y.is_leaf)

    assert outcome(fastnn) == outcome(torch)


# ---- distributions, once more from above: the kernels' tests have the exact values

def test_bounds():
    x = np.asarray(fastnn.rand(100_000))
    assert 0 <= x.min() and x.max() < 1
    x = np.asarray(fastnn.randint(-3, 4, (10_000,)))
    assert set(x) == set(range(-3, 4))
    assert set(np.asarray(fastnn.bernoulli(fastnn.rand(1000)))) == {0.0, 1.0}


def test_half_types_are_drawn_as_floats():
    for dtype in (fastnn.float16, fastnn.bfloat16):
        x = fastnn.randn(1000, dtype=dtype)
        assert x.dtype == dtype
        assert 0.5 < float(np.asarray(x.float()).std()) < 1.5


def test_random_reaches_the_whole_range():
    assert np.asarray(fastnn.rand(1000).random_()).max() > 2**23
    assert np.asarray(fastnn.randint(2, (1000,), dtype=fastnn.uint8).random_()).max() > 250
    assert np.asarray(fastnn.randint(2, (100,)).random_()).min() >= 0
    assert set(np.asarray(fastnn.randint(2, (100,)).random_(7, to=9))) == {7, 8}


def test_multinomial_frequencies():
    w = np.array([1.0, 0.0, 3.0, 6.0])
    n = 20_000
    drawn = np.asarray(fastnn.multinomial(fastnn.tensor(w), n, True))
    share = np.bincount(drawn, minlength=4) / n
    assert share[1] == 0
    assert (np.abs(share - w / 10) < 5 * np.sqrt(w / 10 / n) + 1e-12).all()


def test_multinomial_without_replacement_is_sequential_drawing():
    """The first of two indices is distributed as a single draw, and no index comes twice."""
    w = fastnn.tensor([[1.0, 2.0, 3.0, 4.0]] * 5000)
    drawn = np.asarray(fastnn.multinomial(w, 2))
    assert (drawn[:, 0] != drawn[:, 1]).all()
    share = np.bincount(drawn[:, 0], minlength=4) / 5000
    assert (np.abs(share - np.arange(1, 5) / 10) < 5 * np.sqrt(0.25 / 5000)).all()


# ---- dropout and the tape

def test_dropout_keeps_the_mean_and_the_gradient_has_the_same_mask():
    x = fastnn.ones(10_000, requires_grad=True)
    y = fastnn.dropout(x, 0.3, True)
    kept = np.asarray(y.detach()) != 0
    assert abs(kept.mean() - 0.7) < 5 * (0.21 / 10_000) ** 0.5
    y.backward(fastnn.full((10_000,), 2.0))
    assert same(x.grad, np.where(kept, np.float32(1 / 0.7) * np.float32(2), 0).astype(np.float32))


def test_backward_draws_nothing():
    x = fastnn.ones(100, requires_grad=True)
    y = fastnn.dropout(x, 0.5, True)
    state = fastnn.get_rng_state()
    y.backward(fastnn.ones(100))
    assert same(fastnn.get_rng_state(), state)


def test_dropout_twice_differentiable():
    x = fastnn.randn(50, dtype=fastnn.float64).requires_grad_()
    g = fastnn.randn(50, dtype=fastnn.float64).requires_grad_()
    y = fastnn.dropout(x, 0.5, True)
    (dx,) = fastnn.autograd.grad(y, x, g, create_graph=True)
    (back,) = fastnn.autograd.grad(dx, g, fastnn.ones(50, dtype=fastnn.float64))
    assert same(back, np.where(np.asarray(y.detach()) != 0, 2.0, 0.0))


def test_dropout_in_place():
    x = fastnn.ones(100, requires_grad=True)
    y = x * 3
    z = fastnn.dropout_(y, 0.5, True)
    assert z is y and set(np.asarray(y.detach())) == {0.0, 6.0}
    y.backward(fastnn.ones(100))
    assert same(x.grad, np.asarray(y.detach()))
    with pytest.raises(RuntimeError, match="leaf"):
        fastnn.dropout_(x, 0.5, True)


def test_dropout_that_does_nothing_returns_its_input():
    x = fastnn.ones(3)
    assert fastnn.dropout(x, 0.5, False) is x and fastnn.dropout(x, 0.0, True) is x


def test_an_in_place_draw_ends_the_history():
    x = fastnn.ones(3, requires_grad=True)
    y = x * 2
    y.uniform_()
    y.backward(fastnn.ones(3))
    assert x.grad is None or same(x.grad, np.zeros(3, np.float32))


def test_alpha_dropout_keeps_mean_and_variance():
    x = fastnn.randn(200_000, dtype=fastnn.float64)
    y = np.asarray(fastnn.alpha_dropout(x, 0.2, True))
    assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.05


def test_feature_dropout_drops_channels():
    y = np.asarray(fastnn.feature_dropout(fastnn.ones(8, 16, 5, 5), 0.5, True))
    assert ((y == 0).all((2, 3)) | (y == 2).all((2, 3))).all()
    assert set(y.reshape(-1)) == {0.0, 2.0}


def test_nonsense_in_the_environment_stops_the_import():
    done = subprocess.run([sys.executable, "-c", "import fastnn"], capture_output=True, text=True,
                          env={**os.environ, "FASTNN_ISA": "sse9"})
    assert done.returncode == 1
    assert "ValueError: FASTNN_ISA: no such instruction set: sse9" in done.stderr
