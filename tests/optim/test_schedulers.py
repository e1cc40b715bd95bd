"""Schedulers by themselves: values from the formulas, warnings, errors."""

import copy
import math
import warnings

import pytest

import fastnn
from fastnn.optim import lr_scheduler as L


def make(lr=0.1, groups=1, **options):
    return fastnn.optim.SGD(
        [{"params": [fastnn.zeros(1, requires_grad=True)]} for _ in range(groups)],
        lr=lr,
        **options,
    )


def rates(scheduler, n):
    seen = []
    for _ in range(n):
        seen.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return seen


def test_step_values():
    assert rates(L.StepLR(make(), 2, gamma=0.5), 5) == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025])


def test_cosine_equals_its_closed_form():
    expected = [0.05 * (1 + math.cos(math.pi * t / 10)) for t in range(25)]
    assert rates(L.CosineAnnealingLR(make(), 10), 25) == pytest.approx(expected, abs=1e-15)


def test_warmup_then_cosine():
    o = make()
    s = L.SequentialLR(
        o, [L.LinearLR(o, 0.25, total_iters=3), L.CosineAnnealingLR(o, 4)], milestones=[3]
    )
    cosine = [0.05 * (1 + math.cos(math.pi * t / 4)) for t in range(4)]
    assert rates(s, 7) == pytest.approx([0.025, 0.05, 0.075, *cosine])


def test_one_cycle_ends_low_with_momentum_back_up():
    o = make(momentum=0.9)
    s = L.OneCycleLR(o, 1.0, total_steps=10)
    seen = []
    for _ in range(9):
        o.step()
        s.step()
        seen.append((o.param_groups[0]["lr"], o.param_groups[0]["momentum"]))
    assert max(r for r, _ in seen) == pytest.approx(1.0)
    assert seen[1] == pytest.approx((1.0, 0.85))  # the peak: 0.3 * 10 steps, counted from 0
    assert seen[-1] == pytest.approx((1.0 / 25 / 1e4, 0.95))


def test_plateau_waits_for_patience():
    o = make()
    s = L.ReduceLROnPlateau(o, patience=2)
    for metric, expected in [(1.0, 0.1), (1.0, 0.1), (1.0, 0.1), (1.0, 0.01), (0.5, 0.01)]:
        s.step(fastnn.tensor(metric))
        assert o.param_groups[0]["lr"] == pytest.approx(expected)
    assert s.best == 0.5 and s.num_bad_epochs == 0 and not s.in_cooldown


def test_tensor_rate_is_filled_not_replaced():
    rate = fastnn.tensor(0.1)
    o = make(lr=rate)
    s = L.ExponentialLR(o, 0.5)
    o.step()
    s.step()
    assert o.param_groups[0]["lr"] is rate
    assert float(rate) == pytest.approx(0.05)
    assert float(o.param_groups[0]["initial_lr"]) == pytest.approx(0.1)


def test_rate_changed_by_hand_is_carried_on():
    o = make()
    s = L.ExponentialLR(o, 0.5)
    o.param_groups[0]["lr"] = 8.0
    o.step()
    s.step()
    assert s.get_last_lr() == [4.0]


def test_scheduler_before_optimizer_warns_once():
    s = L.StepLR(make(), 3)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        s.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        s.step()


def test_right_order_does_not_warn_and_leaves_no_wrapper():
    o = make()
    s = L.StepLR(o, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        o.step()
        s.step()
    assert "step" not in vars(o)


def test_overridden_step_warns():
    o = make()
    s = L.StepLR(o, 3)
    o.step = lambda: None
    o.step()
    with pytest.warns(UserWarning, match="overridden"):
        s.step()


def test_hooks_survive_the_order_check():
    o = make()
    calls = []
    o.register_step_post_hook(lambda *a: calls.append(1))
    s = L.StepLR(o, 3)
    for _ in range(3):
        o.step()
        s.step()
    assert calls == [1, 1, 1]


def test_epoch_argument_and_get_lr_warn():
    o = make()
    s = L.StepLR(o, 3)
    o.step()
    with pytest.warns(UserWarning, match="deprecated"):
        s.step(4)
    assert s.last_epoch == 4 and s.get_last_lr() == pytest.approx([0.01])
    with pytest.warns(UserWarning, match="get_last_lr"):
        s.get_lr()


def test_a_scheduler_of_ones_own():
    class Halve(L.LRScheduler):
        def get_lr(self):
            return [g["lr"] / (2 if self.last_epoch else 1) for g in self.optimizer.param_groups]

    assert rates(Halve(make()), 3) == [0.1, 0.05, 0.025]


def test_state_dict_leaves_out_functions_and_keeps_objects():
    class Scale:
        def __init__(self):
            self.k = 2.0

        def __call__(self, epoch):
            return self.k

    s = L.LambdaLR(make(groups=2), [lambda e: 1.0, Scale()])
    state = copy.deepcopy(s.state_dict())
    assert state["lr_lambdas"] == [None, {"k": 2.0}] and "optimizer" not in state
    t = L.LambdaLR(make(groups=2), [lambda e: 1.0, Scale()])
    state["lr_lambdas"][1]["k"] = 5.0
    t.load_state_dict(state)
    assert t.lr_lambdas[1].k == 5.0


ERRORS = {
    "no optimizer": (TypeError, lambda o: L.StepLR(3, 1)),
    "plateau, no optimizer": (TypeError, lambda o: L.ReduceLROnPlateau(3)),
    "lambdas": (ValueError, lambda o: L.LambdaLR(o, [lambda e: 1])),
    "resume": (KeyError, lambda o: L.StepLR(o, 1, last_epoch=2)),
    "constant factor": (ValueError, lambda o: L.ConstantLR(o, factor=2)),
    "linear start": (ValueError, lambda o: L.LinearLR(o, start_factor=0)),
    "linear end": (ValueError, lambda o: L.LinearLR(o, end_factor=2)),
    "onecycle none": (ValueError, lambda o: L.OneCycleLR(o, 0.1)),
    "onecycle negative": (ValueError, lambda o: L.OneCycleLR(o, 0.1, -3)),
    "onecycle epochs": (ValueError, lambda o: L.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=2)),
    "onecycle pct": (ValueError, lambda o: L.OneCycleLR(o, 0.1, 9, pct_start=3.0)),
    "onecycle anneal": (ValueError, lambda o: L.OneCycleLR(o, 0.1, 9, anneal_strategy="x")),
    "onecycle list": (ValueError, lambda o: L.OneCycleLR(o, [0.1], 9)),
    "cyclic mode": (ValueError, lambda o: L.CyclicLR(o, 0.1, 0.2, mode="x")),
    "cyclic list": (ValueError, lambda o: L.CyclicLR(o, [0.1], 0.2)),
    "restarts T_0": (ValueError, lambda o: L.CosineAnnealingWarmRestarts(o, 0)),
    "restarts T_0 float": (ValueError, lambda o: L.CosineAnnealingWarmRestarts(o, 5.5)),
    "restarts T_mult": (ValueError, lambda o: L.CosineAnnealingWarmRestarts(o, 5, 0)),
    "restarts eta": (ValueError, lambda o: L.CosineAnnealingWarmRestarts(o, 5, eta_min="a")),
    "restarts epoch": (ValueError, lambda o: L.CosineAnnealingWarmRestarts(o, 5).step(-1)),
    "plateau factor": (ValueError, lambda o: L.ReduceLROnPlateau(o, factor=1.0)),
    "plateau mode": (ValueError, lambda o: L.ReduceLROnPlateau(o, mode="x")),
    "plateau threshold": (ValueError, lambda o: L.ReduceLROnPlateau(o, threshold_mode="x")),
    "plateau min_lr": (ValueError, lambda o: L.ReduceLROnPlateau(o, min_lr=[1])),
    "plateau metric": (TypeError, lambda o: L.ReduceLROnPlateau(o).step()),
    "sequential empty": (ValueError, lambda o: L.SequentialLR(o, [], [])),
    "sequential count": (ValueError, lambda o: L.SequentialLR(o, [L.ConstantLR(o)], [1])),
    "sequential plateau": (
        ValueError,
        lambda o: L.SequentialLR(o, [L.ConstantLR(o), L.ReduceLROnPlateau(o)], [1]),
    ),
    "sequential other": (
        ValueError,
        lambda o: L.SequentialLR(o, [L.ConstantLR(o), L.ConstantLR(make())], [1]),
    ),
    "chained empty": (ValueError, lambda o: L.ChainedScheduler([])),
    "chained other": (
        ValueError,
        lambda o: L.ChainedScheduler([L.ConstantLR(o), L.ConstantLR(make())]),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kind, call = ERRORS[name]
    with pytest.raises(kind):
        call(make(groups=2, momentum=0.9))


def test_cycling_momentum_needs_momentum():
    o = fastnn.optim.Adagrad([fastnn.zeros(1, requires_grad=True)])
    for call in (lambda: L.CyclicLR(o, 0.1, 0.2), lambda: L.OneCycleLR(o, 0.1, 5)):
        with pytest.raises(ValueError, match="momentum"):
            call()


def test_one_cycle_beyond_its_end():
    o = make(momentum=0.9)
    s = L.OneCycleLR(o, 0.1, 3)
    o.step()
    for _ in range(3):
        s.step()
    with pytest.raises(ValueError, match="total"):
        s.step()
