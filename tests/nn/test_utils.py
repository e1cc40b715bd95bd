"""Pruning, fusing, functional calls and the smaller utilities, against PyTorch."""

import copy

import numpy as np
import pytest

import fastnn
from fastnn import nn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
WEIGHT = np.random.default_rng(0).standard_normal((6, 4))


def linear(T, weight=WEIGHT):
    m = T.nn.Linear(weight.shape[1], weight.shape[0], dtype=T.float64)
    with T.no_grad():
        m.weight.copy_(T.tensor(weight))
        m.bias.copy_(T.tensor(weight[:, 0]))
    return m


PRUNINGS = {
    "l1": lambda P, T, m: P.l1_unstructured(m, "weight", 0.3),
    "l1 count": lambda P, T, m: P.l1_unstructured(m, "weight", 5),
    "l1 scores": lambda P, T, m: P.l1_unstructured(m, "weight", 5, T.tensor(WEIGHT[::-1].copy())),
    "ln": lambda P, T, m: P.ln_structured(m, "weight", 2, 2, 0),
    "ln columns": lambda P, T, m: P.ln_structured(m, "weight", 0.5, 1, 1),
    "ln inf": lambda P, T, m: P.ln_structured(m, "weight", 1, float("inf"), -1),
    "mask": lambda P, T, m: P.custom_from_mask(m, "bias", T.tensor([1, 0, 1, 0, 1, 1])),
    "identity": lambda P, T, m: P.identity(m, "weight"),
    "twice": lambda P, T, m: P.l1_unstructured(P.l1_unstructured(m, "weight", 0.25), "weight", 4),
    "mixed": lambda P, T, m: P.ln_structured(P.l1_unstructured(m, "weight", 0.5), "weight", 2, 1,
                                             0),
    "rows and more": lambda P, T, m: P.l1_unstructured(P.ln_structured(m, "weight", 1, 2, 0),
                                                       "weight", 3),
    "global": lambda P, T, m: P.global_unstructured([(m, "weight"), (m, "bias")],
                                                    P.L1Unstructured, amount=0.4),
}


@pytest.mark.parametrize("how", PRUNINGS)
def test_pruning(how):
    results = []
    for T in (torch, fastnn):
        P = __import__(f"{T.__name__}.nn.utils.prune", fromlist=["prune"])
        m = linear(T)
        PRUNINGS[how](P, T, m)
        assert P.is_pruned(m)
        x = T.tensor(WEIGHT[:3], requires_grad=True)
        m(x).sum().backward()
        keys = list(m.state_dict())
        grads = [p.grad.numpy() for p in m.parameters()]
        masks = [b.numpy() for b in m.buffers()]
        names = [n[:-5] for n, _ in m.named_buffers()]
        for name in names:
            P.remove(m, name)
        assert not P.is_pruned(m) and set(m.state_dict()) == {"weight", "bias"}
        results.append((keys, [m.weight.detach().numpy(), m.bias.detach().numpy(), x.grad.numpy(),
                               *grads, *masks]))
    assert results[0][0] == results[1][0]
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-14)


@pytest.mark.parametrize("amount, left", [(0.5, 12), (7, 17), (0, 24), (1.0, 0)])
def test_random_pruning_prunes_as_many(amount, left):
    m = nn.utils.prune.random_unstructured(linear(fastnn), "weight", amount)
    assert int(m.weight_mask.sum()) == left
    m = nn.utils.prune.random_structured(linear(fastnn), "weight", 2, 1)
    assert int(m.weight_mask.sum()) == 12


@pytest.mark.parametrize("call", [
    lambda P, m: P.l1_unstructured(m, "weight", "all"),
    lambda P, m: P.l1_unstructured(m, "weight", 1.5),
    lambda P, m: P.l1_unstructured(m, "weight", -1),
    lambda P, m: P.l1_unstructured(m, "weight", 100), lambda P, m: P.remove(m, "weight"),
    lambda P, m: P.ln_structured(m, "bias", 1, 2, 0),
    lambda P, m: P.ln_structured(m, "weight", 1, 2, 3),
    lambda P, m: P.global_unstructured([(m, "weight")], P.LnStructured, amount=1, n=2)])
def test_refusals_of_pruning(call):
    with pytest.raises(Exception) as want:
        call(__import__("torch.nn.utils.prune", fromlist=["prune"]), linear(torch))
    m = linear(fastnn)
    with pytest.raises(want.type):
        call(nn.utils.prune, m)
    assert list(m.state_dict()) == ["weight", "bias"]


FUSED = {
    "conv": (lambda T: (T.nn.Conv2d(3, 4, 3, groups=1), T.nn.BatchNorm2d(4)), (2, 3, 5, 6)),
    "conv without bias": (lambda T: (T.nn.Conv1d(3, 4, 2, bias=False),
                                     T.nn.BatchNorm1d(4, affine=False)), (2, 3, 5)),
    "transposed": (lambda T: (T.nn.ConvTranspose2d(3, 4, 3), T.nn.BatchNorm2d(4)), (2, 3, 5, 6)),
    "linear": (lambda T: (T.nn.Linear(3, 4), T.nn.BatchNorm1d(4)), (5, 3)),
}


@pytest.mark.parametrize("which", FUSED)
def test_fusing(which):
    make, shape = FUSED[which]
    layer, bn = make(fastnn)
    layer.double(), bn.double()
    x = fastnn.tensor(np.random.default_rng(0).standard_normal(shape))
    for _ in range(3):
        bn(layer(x))
    with pytest.raises(AssertionError):
        nn.utils.fuse_conv_bn_eval(layer, bn)
    layer.eval(), bn.eval()
    if which == "linear":
        fused = nn.utils.fuse_linear_bn_eval(layer, bn)
    else:
        fused = nn.utils.fuse_conv_bn_eval(layer, bn, transpose=which == "transposed")
    assert fused is not layer and isinstance(fused.weight, nn.Parameter)
    np.testing.assert_allclose(fused(x).detach().numpy(), bn(layer(x)).detach().numpy(),
                               atol=1e-13)


def test_functional_call():
    m = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    twin = copy.deepcopy(m)
    new = {"0.weight": fastnn.ones(2, 3, requires_grad=True), "1.bias": fastnn.ones(2)}
    x = fastnn.tensor([[1.0, 2, 3], [2, 0, 1]])
    own = m[0].weight
    y = nn.utils.stateless.functional_call(m, new, x)
    assert m[0].weight is own
    with fastnn.no_grad():
        twin[0].weight.fill_(1.0)
        twin[1].bias.fill_(1.0)
    assert fastnn.allclose(y, twin(x))
    y.sum().backward()
    assert new["0.weight"].grad is not None and own.grad is None
    with pytest.raises(RuntimeError, match="unexpected"):
        nn.utils.stateless.functional_call(m, {"2.weight": x}, x)
    with pytest.raises(RuntimeError, match="missing"):
        nn.utils.stateless.functional_call(m, new, (x,), strict=True)


def test_tied_weights_are_replaced_everywhere():
    m = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    m[1].weight = m[0].weight
    x, new = fastnn.ones(1, 2), {"0.weight": fastnn.ones(2, 2)}
    assert nn.utils.stateless.functional_call(m, new, x).tolist() == [[4.0, 4.0]]


def test_skip_init():
    m = nn.utils.skip_init(nn.Linear, 3, 4, bias=False)
    assert m.weight.shape == (4, 3)
    with pytest.raises(RuntimeError, match="device"):
        nn.utils.skip_init(nn.ReLU)
    with pytest.raises(RuntimeError, match="Module"):
        nn.utils.skip_init(dict)


def test_weights_in_channels_last():
    m = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(2, 2))
    own = m[0].weight
    before = own.detach().clone()
    nn.utils.convert_conv2d_weight_memory_format(m, fastnn.channels_last)
    assert m[0].weight is own and own.is_contiguous(memory_format=fastnn.channels_last)
    assert fastnn.equal(own, before)


def test_old_name_of_clipping():
    p = nn.Parameter(fastnn.ones(4))
    p.grad = fastnn.ones(4)
    with pytest.warns(FutureWarning):
        nn.utils.clip_grad_norm(p, 1.0)
    assert abs(p.grad.norm().item() - 1) < 1e-5


def test_data_parallel_calls_the_module():
    m = nn.DataParallel(nn.Linear(3, 2))
    x = fastnn.ones(2, 3)
    assert list(m.state_dict()) == ["module.weight", "module.bias"]
    assert fastnn.equal(m(x), m.module(x)) and fastnn.equal(nn.parallel.data_parallel(m, x), m(x))


def test_container():
    with pytest.warns(FutureWarning):
        m = nn.Container(a=nn.ReLU(), b=nn.Linear(1, 1))
    assert list(m._modules) == ["a", "b"] and repr(m).startswith("Container(\n  (a): ReLU()")


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"groups": 2, "dilation": 2}],
                         ids=str)
def test_gradients_of_convolutions_as_functions(options, nd):
    rng = np.random.default_rng(0)
    size = (2, 4, 7, 6, 5)[:nd + 2]
    groups = options.get("groups", 1)
    x, w = rng.standard_normal(size), rng.standard_normal((6, 4 // groups, *(3,) * nd))
    conv = getattr(torch.nn.functional, f"conv{nd}d")
    dy = rng.standard_normal(tuple(conv(torch.tensor(x), torch.tensor(w), **options).shape))
    for kind, args in (("input", (size, w, dy)), ("weight", (x, w.shape, dy))):
        results = []
        for T in (torch, fastnn):
            given = [T.tensor(a) if isinstance(a, np.ndarray) else a for a in args]
            module = __import__(f"{T.__name__}.nn.grad", fromlist=["grad"])
            results.append(getattr(module, f"conv{nd}d_{kind}")(*given, **options).numpy())
        np.testing.assert_allclose(results[1], results[0], atol=1e-12)


def test_names_that_wait_refuse_when_they_are_called():
    for package in ("quantized", "qat", "quantizable", "intrinsic"):
        layer = getattr(nn, package).Linear
        with pytest.raises(NotImplementedError, match="not there yet"):
            layer(3, 4)
    with pytest.raises(NotImplementedError, match="several processes"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))


def test_dotted_imports():
    """Every file of torch.nn.modules and torch.nn.utils that programs import from."""
    import importlib
    import pkgutil

    for package in ("nn.modules", "nn.utils"):
        theirs = importlib.import_module(f"torch.{package}")
        names = {m.name for m in pkgutil.iter_modules(theirs.__path__) if m.name[0] != "_"}
        for name in sorted(names - {"linear_cross_entropy_options"}):
            ours = importlib.import_module(f"fastnn.{package}.{name}")
            listed = getattr(importlib.import_module(f"torch.{package}.{name}"), "__all__", ())
            missing = [n for n in listed if not hasattr(ours, n) and not n.startswith("Lazy")
                       and "registration_hook" not in n and not n.startswith("SpectralNorm")]
            assert not missing, f"{package}.{name}: {missing}"


def test_tuples_of_sizes():
    from fastnn.nn.modules import utils

    assert utils._pair(3) == (3, 3) and utils._triple((1, 2, 3)) == (1, 2, 3)
    assert utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)
    assert utils._list_with_default([None, 3], [5, 6, 7]) == [6, 3]
    state = {"module.weight": 1, "module.bias": 2, "other": 3}
    utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert set(state) == {"weight", "bias", "other"}


def test_a_parameter_dict_is_a_dict():
    d = nn.ParameterDict({"a": fastnn.ones(2), "b": fastnn.zeros(1)})
    twin = d.copy()
    assert twin["a"] is d["a"] and d.popitem()[0] == "b" and list(d) == ["a"]
    assert list(d.fromkeys(["x", "y"], 1.0)) == ["x", "y"]


def test_to_empty_gives_new_memory():
    m = nn.Linear(3, 2)
    weight, before = m.weight, m.weight.data_ptr()
    m.to_empty(device="cpu")
    assert m.weight is weight and weight.data_ptr() != before and weight.shape == (2, 3)


def test_sdpa_kernel_is_accepted():
    from fastnn.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        q = fastnn.ones(1, 1, 2, 4)
        assert nn.functional.scaled_dot_product_attention(q, q, q).shape == (1, 1, 2, 4)
    with pytest.raises(AssertionError):
        with sdpa_kernel("math"):
            pass
