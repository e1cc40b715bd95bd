"""Calling modules: hooks, containers that call forward themselves, __call__ of one's own."""

import fastnn as torch
from fastnn import nn
from fastnn.nn.modules._calls import register_module_forward_hook


class Loud(nn.Module):
    def __call__(self, x):
        return self.forward(x) + 100

    def forward(self, x):
        return x + 1


class Quiet(Loud):
    def forward(self, x):
        return x + 2


def test_sequential_honours_a_call_of_ones_own():
    assert nn.Sequential(nn.Identity(), Loud(), Quiet())(torch.zeros(1)).item() == 203


def test_sequential_runs_hooks_that_come_later():
    m = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    seen = []
    x = torch.ones(1, 2)
    m(x)
    handle = m[1].register_forward_hook(lambda module, args, y: seen.append(module))
    m(x)
    assert seen == [m[1]]
    handle.remove()
    m(x)
    assert seen == [m[1]]


def test_sequential_runs_global_hooks():
    m = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    seen = []
    handle = register_module_forward_hook(lambda module, args, y: seen.append(module))
    m(torch.ones(1, 2))
    handle.remove()
    assert seen == [m[0], m[1], m]


def test_a_replaced_forward_is_called():
    m = nn.Sequential(nn.Identity())
    m[0].forward = lambda x: x * 3
    assert m(torch.ones(1)).item() == 3


def test_keywords_reach_forward():
    class Scale(nn.Module):
        def forward(self, x, *, by=1):
            return x * by

    assert Scale()(torch.ones(1), by=4).item() == 4
