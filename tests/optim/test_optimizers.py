"""Optimizers by themselves: formulas, groups, state, hooks, errors."""

import copy
import pickle

import pytest

import fastnn
from fastnn import optim

ALL = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam",
       "ASGD", "Rprop", "Adafactor", "Muon"]


def leaf(*values, grad=None):
    p = fastnn.tensor(list(values), requires_grad=True)
    if grad is not None:
        p.grad = fastnn.tensor(grad)
    return p


def close(tensor, expected):
    assert tensor.tolist() == pytest.approx(expected, rel=1e-6)


# ------------------------------------------------------------------ formulas


def test_sgd_by_hand():
    w = leaf(1.0, 2.0, grad=[0.5, -1.0])
    o = optim.SGD([w], lr=0.1, momentum=0.5, weight_decay=0.1)
    o.step()  # d = g + 0.1 w = [0.6, -0.8]; b = d
    close(w, [0.94, 2.08])
    close(o.state[w]["momentum_buffer"], [0.6, -0.8])
    o.step()  # d = [0.594, -0.792]; b = 0.5 b + d = [0.894, -1.192]
    close(w, [0.94 - 0.0894, 2.08 + 0.1192])


def test_first_adam_step_is_the_rate_times_the_sign():
    w = leaf(1.0, 2.0, grad=[0.5, -3.0])
    optim.Adam([w], lr=0.1).step()
    close(w, [0.9, 2.1])


def test_adamw_shrinks_first():
    w = leaf(1.0, grad=[0.0])
    optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
    close(w, [0.95])


def test_muon_steps_are_nearly_orthogonal():
    w = fastnn.tensor([[0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    w.grad = fastnn.tensor([[3.0, 0.0], [0.0, -0.1]])
    optim.Muon([w], lr=1.0, weight_decay=0.0).step()
    (a, b), (c, d) = w.tolist()
    # five Newton-Schulz steps take singular values into 0.7 .. 1.2
    assert abs(b) < 1e-5 and abs(c) < 1e-5 and -1.25 < a < -0.65 and 0.65 < d < 1.25


@pytest.mark.parametrize("name", ALL)
def test_every_optimizer_descends(name):
    w = fastnn.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    o = getattr(optim, name)([w], lr=0.05)
    losses = []
    for _ in range(20):
        o.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        losses.append(loss.item())
        o.step()
    assert losses[-1] < losses[0] and sum(losses[10:]) < sum(losses[:10])


def test_lbfgs_solves_a_quadratic():
    w = leaf(5.0, -3.0)
    scale = fastnn.tensor([1.0, 10.0])
    o = optim.LBFGS([w], line_search_fn="strong_wolfe")

    def closure():
        o.zero_grad()
        loss = (scale * w * w).sum()
        loss.backward()
        return loss

    first = o.step(closure)
    assert first.item() == 115.0 and closure().item() < 1e-6


# ------------------------------------------------------------------ the step


def test_rates_may_change_between_steps():
    w = leaf(1.0, grad=[1.0])
    o = optim.SGD([w], lr=0.1)
    o.step()
    o.param_groups[0]["lr"] = 0.5
    o.step()
    close(w, [0.4])
    o.param_groups[0]["lr"] = fastnn.tensor(0.1)
    o.step()
    close(w, [0.3])


def test_options_may_be_switched_on():
    w = leaf(1.0, grad=[1.0])
    o = optim.SGD([w], lr=0.1)
    o.step()
    assert not o.state
    o.param_groups[0]["momentum"] = 0.9
    o.step(), o.step()
    close(o.state[w]["momentum_buffer"], [1.9])
    a = leaf(1.0, grad=[1.0])
    o = optim.Adam([a])
    o.step()
    o.param_groups[0]["amsgrad"] = True
    o.step()
    assert set(o.state[a]) == {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad"])
def test_parameters_with_and_without_gradients(name):
    """Each parameter goes as if it were alone, whenever its gradient comes."""
    turns = [(1, 1), (1, 0), (0, 1), (0, 0), (1, 1), (1, 1), (0, 1)]
    options = {"lr": 0.1, **({"momentum": 0.9} if name == "SGD" else {})}
    together = [leaf(1.0, 2.0), leaf(-1.0)]
    o = getattr(optim, name)(together, **options)
    alone = [leaf(1.0, 2.0), leaf(-1.0)]
    singles = [getattr(optim, name)([p], **options) for p in alone]
    for step, turn in enumerate(turns):
        for i, has in enumerate(turn):
            for p in (together[i], alone[i]):
                p.grad = fastnn.tensor([0.3 * (step + 1)] * p.numel()) if has else None
            if has:
                singles[i].step()
        o.step()
    assert [p.tolist() for p in together] == [p.tolist() for p in alone]


def test_groups_have_their_own_options():
    a, b = leaf(1.0, grad=[1.0]), leaf(1.0, grad=[1.0])
    o = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    o.step()
    close(a, [0.9]), close(b, [0.5])
    c = leaf(1.0, grad=[1.0])
    o.add_param_group({"params": [c], "lr": 1.0})
    o.step()
    close(a, [0.8]), close(b, [0.0]), close(c, [0.0])
    o.param_groups.pop()
    o.step()
    close(c, [0.0])


def test_clearing_the_state_starts_anew():
    a, b = leaf(1.0, grad=[1.0]), leaf(1.0, grad=[1.0])
    o = optim.Adam([{"params": [a]}, {"params": [b]}], lr=0.1)
    o.step(), o.step()
    o.state.clear()
    o.step()
    assert [float(o.state[p]["step"]) for p in (a, b)] == [1.0, 1.0]


def test_closure_runs_with_gradients_and_its_loss_is_returned():
    w = leaf(2.0)
    o = optim.SGD([w], lr=0.25)

    def closure():
        o.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with fastnn.no_grad():
        assert o.step(closure).item() == 4.0
    close(w, [1.0])


def test_zero_grad():
    w = leaf(1.0, grad=[3.0])
    o = optim.SGD([w], lr=0.1)
    o.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0]
    o.zero_grad()
    assert w.grad is None
    o.step()
    close(w, [1.0])


def test_strided_gradients_and_parameters():
    w = fastnn.tensor([[1.0, 2.0], [3.0, 4.0]]).t().detach().requires_grad_()
    w.grad = fastnn.tensor([[1.0, 2.0], [3.0, 4.0]])
    for name in ("SGD", "Adam"):
        v = w.detach().clone().requires_grad_()
        v.grad = w.grad
        getattr(optim, name)([v], lr=1.0).step()
        expected = [[0, 1], [-1, 0]] if name == "SGD" else [[0, 2], [1, 3]]
        assert v.tolist() == [pytest.approx(row, abs=1e-6) for row in expected]


def test_version_of_a_parameter_moves():
    w = leaf(2.0)
    y = (w * w).sum()
    w.grad = fastnn.tensor([1.0])
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified"):
        y.backward()


# ------------------------------------------------------------------ state


def trained(name, steps=3, **options):
    w = fastnn.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    o = getattr(optim, name)([w], **options)
    for i in range(steps):
        w.grad = fastnn.tensor([[0.1 * (i + 1), 0.2], [-0.3, 0.4]])
        o.step()
    return w, o


@pytest.mark.parametrize("name", ALL)
def test_save_and_go_on(name):
    w, o = trained(name, 6)
    v, half = trained(name, 3)
    again = getattr(optim, name)([v])
    again.load_state_dict(copy.deepcopy(half.state_dict()))
    for i in range(3, 6):
        v.grad = fastnn.tensor([[0.1 * (i + 1), 0.2], [-0.3, 0.4]])
        again.step()
    assert v.tolist() == w.tolist()


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_copies_go_their_own_way(name):
    w, o = trained(name, **({"momentum": 0.9} if name == "SGD" else {}))
    for twin in (copy.deepcopy(o), pickle.loads(pickle.dumps(o))):
        v = twin.param_groups[0]["params"][0]
        assert v is not w and v.tolist() == w.tolist()
        v.grad = fastnn.tensor([[1.0, 1.0], [1.0, 1.0]])
        before = w.tolist()
        twin.step()
        assert w.tolist() == before != v.tolist()


def test_state_dict_layout():
    a, b = leaf(1.0, grad=[1.0]), leaf(2.0, grad=[1.0])
    o = optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}])
    o.step()
    state = o.state_dict()
    assert state["param_groups"][0]["params"] == [0] and state["param_groups"][1]["params"] == [1]
    assert state["param_groups"][1]["lr"] == 0.5
    entry = state["state"][1]
    assert list(entry) == ["step", "exp_avg", "exp_avg_sq"]
    assert entry["step"].dtype is fastnn.float32 and entry["step"].item() == 1.0


def test_loading_converts_to_the_parameters_dtype():
    _, o = trained("Adam")
    wide = fastnn.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=fastnn.float64, requires_grad=True)
    other = optim.Adam([wide])
    other.load_state_dict(o.state_dict())
    assert other.state[wide]["exp_avg"].dtype is fastnn.float64
    other.state[wide]["exp_avg"].zero_()
    assert o.state_dict()["state"][0]["exp_avg"].abs().sum().item() > 0


def test_loading_the_wrong_thing():
    _, o = trained("SGD")
    for groups in ([[leaf(1.0)], [leaf(1.0)]], [[leaf(1.0), leaf(2.0)]]):
        other = optim.SGD([{"params": g} for g in groups])
        with pytest.raises(ValueError, match="loaded state dict"):
            other.load_state_dict(o.state_dict())


def test_named_parameters():
    o = optim.SGD([("w", leaf(1.0)), ("b", leaf(2.0))])
    assert o.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]
    other = optim.SGD([("x", leaf(1.0)), ("y", leaf(2.0))])
    other.load_state_dict(o.state_dict())
    assert other.param_groups[0]["param_names"] == ["x", "y"]


# ------------------------------------------------------------------ hooks


def test_step_hooks():
    w = leaf(1.0, grad=[1.0])
    o = optim.SGD([w], lr=0.1)
    order = []
    first = o.register_step_pre_hook(lambda opt, args, kwargs: order.append(("pre", opt is o)))
    o.register_step_post_hook(lambda opt, args, kwargs: order.append(("post", opt is o)))
    o.step()
    assert order == [("pre", True), ("post", True)]
    first.remove()
    o.step()
    assert order[2:] == [("post", True)]
    close(w, [0.8])


def test_a_pre_hook_may_change_the_arguments():
    o = optim.SGD([leaf(1.0, grad=[1.0])], lr=0.1)
    o.register_step_pre_hook(lambda opt, args, kwargs: ((lambda: 42,), {}))
    assert o.step() == 42


def test_state_dict_hooks():
    _, o = trained("SGD")
    seen = []
    o.register_state_dict_pre_hook(lambda opt: seen.append("pre"))
    o.register_state_dict_post_hook(lambda opt, state: {**state, "extra": 1})
    o.register_load_state_dict_pre_hook(lambda opt, state: seen.append(state.pop("extra")))
    with o.register_load_state_dict_post_hook(lambda opt: seen.append("post")):
        o.load_state_dict(o.state_dict())
    o.load_state_dict(o.state_dict())
    assert seen == ["pre", 1, "post", "pre", 1]


# ------------------------------------------------------------------ errors

W = [1.0, 2.0]
ERRORS = {
    "a tensor": (TypeError, lambda: optim.SGD(leaf(*W))),
    "nothing": (ValueError, lambda: optim.SGD([])),
    "no tensor": (TypeError, lambda: optim.SGD([1])),
    "a set": (TypeError, lambda: optim.SGD([{"params": {leaf(*W)}}])),
    "non-leaf": (ValueError, lambda: optim.SGD([leaf(*W) * 2])),
    "half named": (ValueError, lambda: optim.SGD([("a", leaf(*W)), leaf(*W)])),
    "same name": (ValueError, lambda: optim.SGD([("a", leaf(*W)), ("a", leaf(*W))])),
    "group": (TypeError, lambda: optim.SGD([leaf(*W)]).add_param_group([1])),
    "sgd lr": (ValueError, lambda: optim.SGD([leaf(*W)], lr=-1)),
    "sgd momentum": (ValueError, lambda: optim.SGD([leaf(*W)], momentum=-1)),
    "sgd decay": (ValueError, lambda: optim.SGD([leaf(*W)], weight_decay=-1)),
    "sgd nesterov": (ValueError, lambda: optim.SGD([leaf(*W)], nesterov=True)),
    "adam lr": (ValueError, lambda: optim.Adam([leaf(*W)], lr=-1)),
    "adam lr tensor": (ValueError, lambda: optim.Adam([leaf(*W)], lr=fastnn.tensor([0.1, 0.2]))),
    "adam beta": (ValueError, lambda: optim.Adam([leaf(*W)], betas=(1.0, 0.9))),
    "adam eps": (ValueError, lambda: optim.Adam([leaf(*W)], eps=-1)),
    "adam fused": (RuntimeError, lambda: optim.Adam([leaf(*W)], fused=True, foreach=True)),
    "rmsprop alpha": (ValueError, lambda: optim.RMSprop([leaf(*W)], alpha=-1)),
    "adagrad decay": (ValueError, lambda: optim.Adagrad([leaf(*W)], lr_decay=-1)),
    "adadelta rho": (ValueError, lambda: optim.Adadelta([leaf(*W)], rho=2)),
    "rprop etas": (ValueError, lambda: optim.Rprop([leaf(*W)], etas=(1.0, 2.0))),
    "nadam decay": (ValueError, lambda: optim.NAdam([leaf(*W)], momentum_decay=-1)),
    "adafactor d": (ValueError, lambda: optim.Adafactor([leaf(*W)], d=0.5)),
    "muon vector": (ValueError, lambda: optim.Muon([leaf(*W)])),
    "lbfgs groups": (
        ValueError,
        lambda: optim.LBFGS([{"params": leaf(*W)}, {"params": leaf(1.0)}]),
    ),
    "lbfgs search": (
        RuntimeError,
        lambda: optim.LBFGS([leaf(*W, grad=W)], line_search_fn="x").step(lambda: leaf(1.0)),
    ),
    "differentiable": (
        RuntimeError,
        lambda: optim.SGD([leaf(*W, grad=W)], differentiable=True).step(),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kind, call = ERRORS[name]
    with pytest.raises(kind):
        call()


def test_the_same_parameter_twice():
    w = leaf(1.0)
    with pytest.warns(UserWarning, match="duplicate"):
        optim.SGD([w, w])
    with pytest.raises(ValueError, match="more than one"):
        optim.SGD([{"params": [w]}, {"params": [w]}])


def test_a_required_option():
    from fastnn.optim.optimizer import Optimizer, required

    class Own(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"rate": required})

    with pytest.raises(ValueError, match="rate"):
        Own([leaf(1.0)])
    assert Own([{"params": leaf(1.0), "rate": 3}]).param_groups[0]["rate"] == 3


def test_repr():
    text = repr(optim.SGD([leaf(1.0)], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n") and "lr: 0.5" in text
