"""Lazy modules: what they are before and after the first call, saving and loading."""

import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import nn


def test_the_first_call_makes_a_plain_module():
    m = nn.LazyLinear(3)
    weight = m.weight
    assert isinstance(weight, nn.UninitializedParameter) and repr(weight) == (
        "<UninitializedParameter>")
    with pytest.raises(RuntimeError, match="shape of an uninitialized"):
        weight.shape  # noqa: B018
    assert m(fastnn.ones(2, 5)).shape == (2, 3)
    assert type(m) is nn.Linear and m.in_features == 5 and m._direct
    assert m.weight is weight and type(weight) is nn.Parameter and weight.shape == (3, 5)
    assert m(fastnn.ones(2, 5)).requires_grad


def test_initial_values_are_those_of_the_plain_module():
    fastnn.manual_seed(0)
    m = nn.LazyConv2d(4, 3)
    m(fastnn.ones(1, 2, 5, 5))
    bound = 1 / np.sqrt(2 * 9)
    assert 0.8 * bound < m.weight.abs().max().item() <= bound


def test_a_state_dict_gives_shapes():
    saved = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)).state_dict()
    m = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    m.load_state_dict(saved)
    assert m[0].weight.shape == (3, 5) and m[1].running_mean.shape == (3,)
    assert m(fastnn.ones(2, 5)).shape == (2, 3) and m[0].in_features == 5


def test_state_dicts_of_waiting_modules():
    m = nn.LazyBatchNorm1d()
    state = m.state_dict()
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert isinstance(state["running_mean"], nn.UninitializedBuffer)
    other = nn.LazyBatchNorm1d()
    other.load_state_dict(state)
    assert other.has_uninitialized_params()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_wait_as_well(copied):
    m = copied(nn.LazyBatchNorm2d().double())
    assert m.has_uninitialized_params()
    m(fastnn.ones(2, 3, 4, 4, dtype=fastnn.float64))
    assert m.weight.dtype == m.running_mean.dtype == fastnn.float64 and type(m) is nn.BatchNorm2d


def test_wrong_inputs():
    with pytest.raises(RuntimeError, match="batched"):
        nn.LazyConv2d(3, 3)(fastnn.ones(3, 3))
    with pytest.raises(ValueError, match="groups"):
        nn.LazyConv1d(4, 3, groups=2)(fastnn.ones(1, 3, 9))


def test_ones_own_module():
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            if self.has_uninitialized_params():
                self.scale.materialize(x.shape[-1:])
                self.scale.fill_(2.0)

        def forward(self, x):
            return x * self.scale

    m = Scale()
    assert m(fastnn.ones(2, 3)).sum().item() == 12 and m(fastnn.ones(2, 3)).sum().item() == 12
