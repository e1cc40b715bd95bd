"""The matrix product by form and size, in fastnn, NumPy and PyTorch."""

import numpy as np
import pytest

from bench.gemm_shapes import NARROW
from bench.train.rows import operands, product

SHAPES = [(form, n, n, n) for form in ("NN", "NT", "TN") for n in (64, 256)] + NARROW


@pytest.mark.parametrize("engine", ["fastnn", "numpy", "torch"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_product(benchmark, shape, engine):
    T = pytest.importorskip(engine, reason=f"{engine} is not installed: nothing to compare with")
    a, b = operands(*shape, np.float32)
    left, right = (a, b) if engine == "numpy" else (T.tensor(a), T.tensor(b))
    work = product(left, right, shape[0])
    want = product(a, b, shape[0])()
    tolerance = shape[3] * np.finfo("f4").eps * np.sqrt(16)  # of sums of k products of normals
    np.testing.assert_allclose(np.asarray(work()), want, rtol=tolerance, atol=tolerance)
    benchmark.group = str(shape)
    benchmark.pedantic(work, rounds=3, iterations=1, warmup_rounds=1)
