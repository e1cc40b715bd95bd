"""Averages of weights, and their schedule, against PyTorch."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


def net(T):
    r = np.random.default_rng(0)
    m = T.nn.Sequential(T.nn.Linear(3, 4), T.nn.BatchNorm1d(4), T.nn.Linear(4, 2)).double()
    with T.no_grad():
        for p in m.parameters():
            p.copy_(T.tensor(r.standard_normal(tuple(p.shape))))
    return m


AVERAGES = {
    "mean": lambda S: {}, "mean with buffers": lambda S: {"use_buffers": True},
    "ema": lambda S: {"multi_avg_fn": S.get_ema_multi_avg_fn(0.9)},
    "ema one by one": lambda S: {"avg_fn": S.get_ema_avg_fn(0.7)},
    "mean one by one": lambda S: {"avg_fn": S.get_swa_avg_fn(), "use_buffers": True},
    "mean of lists": lambda S: {"multi_avg_fn": S.get_swa_multi_avg_fn()},
}


@pytest.mark.parametrize("how", AVERAGES)
def test_averages(how):
    results = []
    for T in (torch, fastnn):
        S = __import__(f"{T.__name__}.optim.swa_utils", fromlist=["swa_utils"])
        m = net(T)
        averaged = S.AveragedModel(m, **AVERAGES[how](S))
        opt = T.optim.SGD(m.parameters(), lr=0.1)
        r = np.random.default_rng(1)
        for _ in range(5):
            opt.zero_grad()
            (m(T.tensor(r.standard_normal((6, 3)))) ** 2).mean().backward()
            opt.step()
            averaged.update_parameters(m)
        S.update_bn([T.tensor(r.standard_normal((6, 3))) for _ in range(3)], averaged)
        assert int(averaged.n_averaged) == 5 and averaged.training
        results.append({k: v.numpy() for k, v in averaged.state_dict().items()})
    assert list(results[0]) == list(results[1])
    near = 1e-7 if how == "mean of lists" else 1e-12  # PyTorch's 1 / (n + 1) is a float32 there
    for k, want in results[0].items():
        np.testing.assert_allclose(results[1][k], want, rtol=near, atol=near, err_msg=k)


@pytest.mark.parametrize("options", [{}, {"anneal_strategy": "linear"}, {"anneal_epochs": 3},
                                     {"anneal_epochs": 0}, {"anneal_epochs": 1}], ids=str)
def test_schedule(options):
    seen = []
    for T in (torch, fastnn):
        S = __import__(f"{T.__name__}.optim.swa_utils", fromlist=["swa_utils"])
        p = [T.nn.Parameter(T.ones(1)), T.nn.Parameter(T.ones(1))]
        opt = T.optim.SGD([{"params": [p[0]], "lr": 0.5}, {"params": [p[1]]}], lr=0.1)
        schedule = S.SWALR(opt, [0.05, 0.2], **options)
        rates = []
        for _ in range(15):
            opt.step()
            schedule.step()
            rates.append([g["lr"] for g in opt.param_groups])
        seen.append(rates)
    np.testing.assert_allclose(seen[1], seen[0], rtol=1e-12)


def test_refusals():
    S = fastnn.optim.swa_utils
    with pytest.raises(ValueError, match="decay"):
        S.get_ema_avg_fn(1.5)
    with pytest.raises(AssertionError):
        S.AveragedModel(net(fastnn), avg_fn=S.get_swa_avg_fn(),
                        multi_avg_fn=S.get_swa_multi_avg_fn())
    opt = fastnn.optim.SGD(net(fastnn).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="strategy"):
        S.SWALR(opt, 0.1, anneal_strategy="sine")
    with pytest.raises(ValueError, match="anneal_epochs"):
        S.SWALR(opt, 0.1, anneal_epochs=-1)
