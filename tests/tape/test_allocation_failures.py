"""Every allocation of a training step fails in turn: nothing is lost, nothing leaks."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import fastnn
from fastnn import nn
from fastnn._core import runtime


def make(optimizer: str):
    fastnn.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Dropout(0.2),
                          nn.Linear(7, 3))
    options = {"momentum": 0.9} if optimizer == "SGD" else {}
    opt = getattr(fastnn.optim, optimizer)(model.parameters(), lr=0.1, **options)
    x = fastnn.from_numpy(np.random.default_rng(0).standard_normal((8, 5)).astype("f4"))
    y = fastnn.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    return model, opt, lambda: nn.functional.cross_entropy(model(x), y)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_each_allocation_of_a_training_step_fails_once(optimizer):
    model, opt, loss_of = make(optimizer)
    failures = 0
    for n in range(1, 500):
        opt.zero_grad()
        before = {k: p.detach().numpy().copy() for k, p in model.named_parameters()}
        gc.collect()
        blocks = runtime.memory_stats()["live_blocks"]
        runtime.fail_at(n)
        stage = "forward"
        try:
            loss = loss_of()
            stage = "backward"
            loss.backward()
            stage = "step"
            opt.step()
        except MemoryError:
            failures += 1
        else:
            assert failures > 10, "the counter never reached an allocation"
            return
        finally:
            runtime.fail_at(0)
        loss = None
        gc.collect()
        for k, p in model.named_parameters():
            assert np.array_equal(p.detach().numpy(), before[k]), f"{k} changed at allocation {n}"
        if stage == "backward":
            assert all(p.grad is None for p in model.parameters())
        if stage != "step":  # an optimizer keeps the state that it has begun to make
            assert runtime.memory_stats()["live_blocks"] == blocks, f"leak at allocation {n}"
    raise AssertionError("500 allocations in one small step")


def test_a_failed_step_can_be_repeated():
    model, opt, loss_of = make("AdamW")
    twin, twin_opt, twin_loss = make("AdamW")
    for n in (3, 9, 17):
        runtime.fail_at(n)
        try:
            loss_of().backward()
        except MemoryError:
            pass
        finally:
            runtime.fail_at(0)
        opt.zero_grad()
    model.load_state_dict(twin.state_dict())
    fastnn.manual_seed(1)
    loss_of().backward()
    opt.step()
    fastnn.manual_seed(1)
    twin_loss().backward()
    twin_opt.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
