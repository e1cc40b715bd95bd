"""axis, keepdims and the other words of NumPy's that PyTorch accepts for its own."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import fastnn

A = np.arange(1.0, 13.0).reshape(3, 4)
BOTH = ["all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "logsumexp", "max", "mean",
        "median", "min", "mode", "nanmean", "nanmedian", "nansum", "prod", "std", "sum", "var"]
AXIS = ["argsort", "count_nonzero", "cummax", "cummin", "cumprod", "cumsum", "diff", "log_softmax",
        "logcumsumexp", "softmax", "sort", "squeeze", "unbind", "unsqueeze"]
MORE = {"chunk": (2,), "kthvalue": (2,), "quantile": (0.5,), "nanquantile": (0.5,),
        "repeat_interleave": (2,), "tensor_split": (3,), "topk": (2,), "unsafe_chunk": (2,),
        "unsafe_split": (2,)}


def plain(x):
    return x.tolist() if isinstance(x, fastnn.Tensor) else [plain(part) for part in x]


@pytest.mark.parametrize("name", [*BOTH, *AXIS, *MORE])
def test_functions_and_methods(name):
    x, more = fastnn.tensor(A), MORE.get(name, ())
    ours, numpys = {"dim": 0}, {"axis": 0}
    if name in [*BOTH, "kthvalue", "quantile", "nanquantile"]:
        ours["keepdim"] = numpys["keepdims"] = True
    for f in (lambda **words: getattr(fastnn, name)(x, *more, **words),
              lambda **words: getattr(x, name)(*more, **words)):
        assert plain(f(**numpys)) == plain(f(**ours))
        with pytest.raises(TypeError):
            f(dim=0, axis=0)
        with pytest.raises(TypeError):
            f(axis=0, no_such_argument=1)


@pytest.mark.parametrize("name", ["cumprod_", "cumsum_", "squeeze_", "unsqueeze_"])
def test_methods_that_change_the_tensor(name):
    x, y = fastnn.tensor(A), fastnn.tensor(A)
    assert getattr(x, name)(axis=0) is x
    assert plain(x) == plain(getattr(y, name)(dim=0))


def test_sizes():
    x = fastnn.zeros(3, 4)
    assert x.size(axis=1) == 4 and x.stride(axis=0) == 4 and x.size() == (3, 4)
    with pytest.raises(TypeError):
        x.size(0, axis=0)


def test_functions_of_numpy_take_tensors():
    x = fastnn.tensor(A)
    for f in (np.sum, np.mean, np.prod, np.argmax, np.cumsum):
        assert f(x, axis=0).tolist() == f(A, axis=0).tolist()
    assert np.all(x) and np.any(x) and np.sum(x) == A.sum()


def test_other_words():
    x = fastnn.tensor(A)
    assert plain(x.add(x2=x)) == plain(x + x) and fastnn.sum(a=x) == fastnn.sum(x=x) == A.sum()
    assert plain(fastnn.linalg.norm(x, axis=1, keepdims=True)) == plain(
        fastnn.linalg.norm(x, dim=1, keepdim=True))
    assert plain(fastnn.gradient(x, axis=0)[0]) == plain(fastnn.gradient(x, dim=0)[0])
    assert fastnn.trapz(x, axis=0).tolist() == fastnn.trapz(x, dim=0).tolist()


def test_they_are_functions_still():
    f = fastnn.sum
    assert pickle.loads(pickle.dumps(f)) is f and copy.deepcopy(f) is f
    assert list(inspect.signature(f).parameters) == ["input", "dim", "keepdim", "dtype", "out"]
    assert f.__doc__.startswith("The sum") and repr(f) == "<function sum>"

    class Held:
        kept = f

    assert Held().kept(fastnn.ones(2)) == 2  # it does not bind


def test_names_of_what_is_given_by_position():
    x = fastnn.arange(6.0)
    assert x.view(size=(2, 3)).shape == x.reshape(shape=(2, 3)).shape == (2, 3)
    assert fastnn.reshape(input=x, shape=(3, 2)).permute(dims=(1, 0)).shape == (2, 3)
    assert x.repeat(repeats=(2, 1)).shape == x.expand(size=(2, 6)).shape == (2, 6)
    assert fastnn.zeros(size=(2,), dtype=fastnn.int32).dtype == fastnn.int32
    assert fastnn.empty(size=(2, 3)).shape == x.new_zeros(size=(2, 3)).shape == (2, 3)
    assert fastnn.flip(x, dims=[0])[0] == 5 and len(x.split(split_size=2)) == 3
    assert len(x.tensor_split(sections=3)) == len(x.tensor_split(indices=(1, 2))) == 3
    assert fastnn.arange(end=3).tolist() == [0, 1, 2]
    with pytest.raises(TypeError):
        x.view(size=(2, 3), no_such_argument=1)
    with pytest.raises(TypeError):
        fastnn.arange(step=2)
