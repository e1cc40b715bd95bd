"""Each training workload for one round: that it runs, and its time in the report."""

import math

import pytest

import fastnn
from bench import workloads
from bench.train.rows import TRAINING

SLOW = {"mlp_large", "lstm", "gpt_mini",
        "resnet20", "mobilenet"}  # many seconds for fifty steps
QUICK = [name for name, *_ in TRAINING if name not in SLOW]


@pytest.mark.parametrize("name", QUICK)
def test_training_step(benchmark, name):
    work = workloads.REG[name]["make"](fastnn, workloads.Ctx())
    first = work.step().item()
    for _ in range(50):
        work.step()
    loss = benchmark.pedantic(work.step, rounds=1, iterations=1).item()
    assert math.isfinite(first) and math.isfinite(loss)
