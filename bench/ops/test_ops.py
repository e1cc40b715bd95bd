"""Every op that has a record, on its largest sample: fastnn, and PyTorch where installed."""

import importlib

import numpy as np
import pytest

from tests.ops.spec import resolve
from tests.ops.specs import SPECS

ENGINES = ["fastnn", "torch"]


def size(sample):
    return sum(a.size for a in sample.draw("float32")[0] if isinstance(a, np.ndarray))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_op(benchmark, spec, engine):
    T = pytest.importorskip(engine, reason=f"{engine} is not installed: nothing to compare with")
    if engine == "torch" and spec.torch is None:
        pytest.skip("PyTorch has no such function")
    name = spec.torch if engine == "torch" and spec.torch != "same" else spec.function
    function = resolve(name, importlib.import_module(engine))
    args, kwargs = max(spec.samples, key=size).draw("float32")

    def tensor(value):
        if isinstance(value, np.ndarray):
            return T.tensor(value)
        return [tensor(v) for v in value] if isinstance(value, list) else value

    args, kwargs = [tensor(a) for a in args], {k: tensor(v) for k, v in kwargs.items()}
    benchmark.group = spec.name
    benchmark.pedantic(function, args, kwargs, rounds=3, iterations=3, warmup_rounds=1)
