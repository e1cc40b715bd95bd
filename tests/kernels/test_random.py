"""Philox against its published vectors and a reference; every distribution against its formula."""

import engine
import numpy as np
import pytest
from engine import ISAS, lib, run

M32 = 0xFFFFFFFF


@pytest.fixture(autouse=True)
def settings():
    yield
    engine.set_isa(engine.BEST)
    lib.fnn_set_num_threads(0)


def philox(counter, key):
    """Philox 4x32-10 in plain integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & M32, (a >> 32) ^ c[3] ^ k[1], a & M32]
        k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
    return c


@pytest.mark.parametrize("counter,key,want", [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([M32] * 4, [M32] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0],
     [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
])
def test_the_reference_gives_the_published_vectors(counter, key, want):
    assert philox(counter, key) == want


def words(seed, block, groups):
    """The words of some groups: (groups, 4, 16), word k of block j at [:, k, j]."""
    key = [seed & M32, seed >> 32]
    w = np.array([[philox([b & M32, b >> 32 & M32, 0, 0], key) for b in range(s, s + 16)]
                  for s in range(block, block + 16 * groups, 16)], np.uint32).reshape(-1, 16, 4)
    return w.transpose(0, 2, 1).copy()


def gen(seed=1234, block=0):
    return np.array([seed, block], np.uint64).view(np.int64)


def fill(op, n, *attrs, dtype=np.float32, seed=1234, block=0, ins=()):
    return run(op, *ins, out=[gen(seed, block), np.empty(n, dtype)], attrs=attrs)[1]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("seed,block", [(0, 0), (2**64 - 1, 5), (0xA409382229, 2**32 - 7),
                                        (7, 2**64 - 8)])
def test_raw_words(isa, seed, block):
    engine.set_isa(isa)
    lo, hi = -(2**63), 2**63 - 1
    got = fill("random_int_", 96, lo, hi, dtype=np.int64, seed=seed, block=block).view(np.uint64)
    w = words(seed, block, 3).reshape(3, 2, 32).astype(np.uint64)
    assert (got.reshape(3, 32) == (w[:, 1] << np.uint64(32) | w[:, 0])).all()


def unit(n, dtype, seed, block):
    """Uniform numbers in [0, 1), and those in (0, 1], as the kernels define them."""
    groups = -(-n // (64 if dtype == np.float32 else 32))
    w = words(seed, block, groups)
    if dtype == np.float32:
        w = w.reshape(-1)
        half = (w >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)
        rest = ((w & np.uint32(255)).astype(np.float32) + 1) * np.float32(2**-32)
        return half[:n], (half + rest)[:n]
    w = w.reshape(-1, 2, 32)
    low = (w[:, 1] >> np.uint32(5)).astype(float) * 2.0**-27
    rest = (w[:, 0] >> np.uint32(6)).astype(float)
    return (low + rest * 2.0**-53).reshape(-1)[:n], (low + (rest + 1) * 2.0**-53).reshape(-1)[:n]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 64, 100, 1000])
def test_uniform(isa, dtype, n):
    engine.set_isa(isa)
    got = fill("uniform_", n, -2.0, 3.0, dtype=dtype)
    want = unit(n, dtype, 1234, 0)[0] * dtype(5) + dtype(-2)
    assert (got == want).all()


def ulps(got, want):
    return np.abs(got.astype(float) - want) / np.spacing(np.abs(want).astype(got.dtype))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exponential(isa, dtype):
    """-log(u) / rate. One rounding each of the logarithm (1 ulp), 1 / rate and the product."""
    engine.set_isa(isa)
    n = 4000
    got = fill("exponential_", n, 1.5, dtype=dtype)
    want = -np.log(unit(n, dtype, 1234, 0)[1].astype(np.longdouble)) / np.longdouble(1.5)
    assert (got >= 0).all()
    assert ulps(got, want.astype(float)).max() <= 2.5


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal(isa, dtype):
    """sqrt(-2 log u) cos and sin of a turn. Near a multiple of pi / 2 cos is a sine of the rest
    of the turn, so that the relative error stays small there as well."""
    engine.set_isa(isa)
    n = 6400
    got = fill("normal_", n, 0.0, 1.0, dtype=dtype)
    u = unit(n, dtype, 1234, 0)[1].reshape(-1, 32)[:, :16].astype(np.longdouble)
    w = words(1234, 0, n // (64 if dtype == np.float32 else 32)).astype(np.uint64)
    if dtype == np.float32:
        turn = w[:, 1::2].reshape(-1, 16).astype(np.longdouble) / 2**32
    else:
        turn = (w[:, 3] * 2**31 + w[:, 1] // 2).astype(np.longdouble) / np.longdouble(2)**63
    part = turn - np.round(turn * 4) / 4  # exact, so that the reference is good near zeros too
    quadrant = np.round(turn * 4).astype(int) % 4
    pi = np.longdouble("3.14159265358979323846264338327950288")
    c, s = np.cos(2 * pi * part), np.sin(2 * pi * part)
    cos = np.choose(quadrant, [c, -s, -c, s])
    sin = np.choose(quadrant, [s, c, -s, -c])
    r = np.sqrt(-2 * np.log(u))
    want = np.stack([r * cos, r * sin], 1).astype(float).reshape(-1)
    # radius: half the logarithm's ulp and the root's own half; circle: the angle's half (a whole
    # one for doubles) and the series'; the product's half
    assert ulps(got, want).max() <= 3


def test_normal_reaches_its_tails():
    x = fill("normal_", 1 << 22, 0.0, 1.0)
    assert 4.9 < np.abs(x).max() < 6.77
    x = x.astype(float)
    n = x.size
    assert abs(x.mean()) < 5 / n**0.5
    assert abs(x.var() - 1) < 5 * (2 / n) ** 0.5
    assert abs((x**4).mean() - 3) < 5 * (96 / n) ** 0.5
    assert abs(np.mean(x[:-1] * x[1:])) < 5 / n**0.5
    assert abs(np.mean(x[:-16] * x[16:])) < 5 / n**0.5


def test_mean_and_std():
    a = fill("normal_", 1000, 0.0, 1.0, dtype=np.float64)
    b = fill("normal_", 1000, 3.0, 0.5, dtype=np.float64)
    assert (b == a * 0.5 + 3).all()


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", "int64", "uint8"])
def test_bernoulli(p, dtype):
    n = 1000
    got = fill("bernoulli_", n, p, dtype=dtype, ins=[None])
    w = words(1234, 0, 16).reshape(-1)[:n]
    assert got.dtype == dtype
    assert (got.astype(int) == (w < p * 2**32)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bernoulli_with_a_probability_each(dtype):
    p = np.linspace(0, 1, 130).astype(dtype).reshape(2, 65)
    got = run("bernoulli_", p, out=[gen(), np.empty((2, 65), dtype)], attrs=(0.0,))[1]
    w = words(1234, 0, 3).reshape(-1)[:130].reshape(2, 65)
    u = (w >> 8) / 2**24 if dtype == np.float32 else (w >> 1) / 2**31
    assert (got == (u < p)).all()
    wide = run("bernoulli_", p[1], out=[gen(), np.empty((2, 65), dtype)], attrs=(0.0,))[1]
    assert (wide == (u < p[1])).all()
    with pytest.raises(RuntimeError, match="p_in"):
        run("bernoulli_", p * 2, out=[gen(), np.empty((2, 65), dtype)], attrs=(0.0,))


@pytest.mark.parametrize("low,last", [(0, 0), (0, 1), (-5, 4), (0, 9), (10**9, 10**9 + 6),
                                      (-(2**31), 2**31 - 1), (0, 2**62), (-(2**63), 5)])
def test_integers_are_the_scaled_words(low, last):
    n, span = 500, last - low + 1
    got = fill("random_int_", n, low, last, dtype=np.int64)
    w = words(1234, 0, 16).reshape(16, 2, 32)
    bits = [int(h) << 32 | int(x) for g in w for x, h in zip(g[0], g[1], strict=True)]
    assert [int(v) for v in got] == [low + (b * span >> 64) for b in bits[:n]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "int8", "bool"])
def test_integers_in_every_dtype(dtype):
    got = fill("random_int_", 1000, 0, 1 if dtype == "bool" else 99, dtype=dtype)
    same = fill("random_int_", 1000, 0, 1 if dtype == "bool" else 99, dtype="int64")
    assert got.dtype == dtype and (got.astype("int64") == same).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout(dtype, p):
    x = np.random.default_rng(0).standard_normal((7, 33)).astype(dtype)
    g = gen(99, 32)
    y, _, aux = run("dropout", x, out=[None, g, None], attrs=(p,))
    keep = (words(99, 32, 4).reshape(-1)[: x.size] >= p * 2**32).reshape(x.shape)
    scale = dtype(1 / (1 - p)) if p < 1 else dtype(0)
    assert (y == np.where(keep, x * scale, 0)).all()
    assert list(aux) == [99, 32] and list(g) == [99, 32 + 64]
    dy = np.random.default_rng(1).standard_normal((7, 33)).astype(dtype)
    dx = run("dropout_bwd", dy, aux, attrs=(p,))
    assert (dx == np.where(keep, dy * scale, 0)).all()
    turned = np.asfortranarray(dy)  # other strides, same elements
    assert (run("dropout_bwd", turned, aux, attrs=(p,)) == dx).all()
    assert (run("dropout", x, out=[x.copy(), gen(99, 32), None], attrs=(p,))[0] == y).all()


@pytest.mark.parametrize("n", [0, 1, 2, 31, 5000])
def test_randperm(n):
    y = run("randperm", out=[gen(5), None], attrs=(n,))[1]
    assert sorted(y) == list(range(n))
    if n > 30:
        assert list(y) != list(range(n))


def test_randperm_is_fair():
    """Each of the 24 orders of four comes up 1 time in 24: chi square, 23 degrees, 1 in 10^6."""
    g, seen, trials = gen(8), {}, 4800
    for _ in range(trials):
        key = tuple(run("randperm", out=[g, None], attrs=(4,))[1])
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 24
    assert sum((k - trials / 24) ** 2 / (trials / 24) for k in seen.values()) < 72


OPS = [("uniform_", (0.0, 1.0), np.float32), ("normal_", (0.0, 1.0), np.float32),
       ("normal_", (0.0, 1.0), np.float64), ("exponential_", (1.0,), np.float64),
       ("random_int_", (0, 1000), np.int64), ("random_int_", (0, 100), np.float32)]


@pytest.mark.parametrize("op,attrs,dtype", OPS)
def test_any_number_of_threads_gives_the_same_bits(op, attrs, dtype):
    results = []
    for threads in (1, 2, 3, 4, 7, 8):
        lib.fnn_set_num_threads(threads)
        results.append(fill(op, 100_003, *attrs, dtype=dtype))
    assert all((r == results[0]).all() for r in results)


@pytest.mark.parametrize("op,attrs,dtype", OPS)
def test_every_isa_with_fma_gives_the_same_bits(op, attrs, dtype):
    results = []
    for isa in ISAS[0 if op in ("uniform_", "random_int_") else 1:]:
        engine.set_isa(isa)
        results.append(fill(op, 5000, *attrs, dtype=dtype))
    assert all((r == results[0]).all() for r in results)


@pytest.mark.parametrize("op,attrs,dtype", OPS)
def test_strided_outputs_get_the_same_numbers(op, attrs, dtype):
    flat = fill(op, 6 * 35, *attrs, dtype=dtype).reshape(6, 35)
    y = np.zeros((35, 12), dtype).T[::2]
    run(op, out=[gen(), y], attrs=attrs)
    assert (y == flat).all()


@pytest.mark.parametrize("n,blocks", [(1, 16), (64, 16), (65, 32), (1000, 256)])
def test_ranges_follow_each_other(n, blocks):
    g = gen(3, 0)
    a = run("uniform_", out=[g, np.empty(n, np.float32)], attrs=(0.0, 1.0))[1]
    assert list(g) == [3, blocks]
    b = run("uniform_", out=[g, np.empty(n, np.float32)], attrs=(0.0, 1.0))[1]
    assert not (a == b).all()
    assert (b == fill("uniform_", n, 0.0, 1.0, seed=3, block=blocks)).all()


@pytest.mark.parametrize("op,attrs,dtype,kind,words", [
    ("uniform_", (1.0, 0.0), "float32", RuntimeError, "from=1 > to=0"),
    ("normal_", (0.0, -1.0), "float32", RuntimeError, "std >= 0"),
    ("normal_", (0.0, 1.0), "int64", NotImplementedError, "normal_.*int64"),
    ("exponential_", (0.0,), "float32", RuntimeError, "lambda > 0"),
    ("random_int_", (5, 4), "int64", RuntimeError, "from=5 >= to=5"),
    ("random_int_", (0, 256), "uint8", RuntimeError, "out of bounds"),
    ("random_int_", (0, 2), "bool", RuntimeError, "out of bounds"),
])
def test_errors(op, attrs, dtype, kind, words):
    g = gen()
    with pytest.raises(kind, match=words):
        run(op, out=[g, np.empty(3, dtype)], attrs=attrs)
    assert list(g) == [1234, 0]


def test_a_bad_generator_is_refused():
    with pytest.raises(TypeError, match="generator"):
        run("uniform_", out=[np.zeros(3, np.int64), np.empty(3, np.float32)], attrs=(0.0, 1.0))
    with pytest.raises(RuntimeError, match="probability"):
        run("dropout", np.zeros(3, np.float32), out=[None, gen(), None], attrs=(1.5,))
    with pytest.raises(RuntimeError, match="p=2"):
        run("bernoulli_", None, out=[gen(), np.zeros(3, np.float32)], attrs=(2.0,))
