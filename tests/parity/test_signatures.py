"""Names, order, kinds and defaults of parameters are PyTorch's."""

import importlib
import inspect

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")

PACKAGES = ["nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.prune",
            "nn.utils.parametrize", "nn.utils.parametrizations", "optim", "optim.lr_scheduler",
            "optim.swa_utils", "autograd", "autograd.functional", "utils.data",
            "utils.checkpoint", "linalg", "distributions", "distributions.kl",
            "distributions.transforms", "distributions.utils", "special"]
# PyTorch hides what these take behind *args, or ours take one more that it has elsewhere.
OTHERWISE = {
    "nn.functional.softmax", "nn.functional.log_softmax", "nn.functional.softmin",  # dtype first
    "nn.functional.sigmoid", "nn.functional.tanh", "autograd.Function", "autograd.no_grad",
    "autograd.enable_grad", "utils.checkpoint.checkpoint",
}


def parameters(function):
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return None
    kind = inspect.Parameter
    starred = (kind.KEYWORD_ONLY, kind.VAR_KEYWORD, kind.VAR_POSITIONAL)
    return [(p.name, p.kind if p.kind in starred else "positional", p.default)
            for p in found if p.name != "self"]


def plain(value):
    return value is inspect.Parameter.empty or isinstance(
        value, (int, float, str, bool, tuple, type(None)))


@pytest.mark.parametrize("path", PACKAGES)
def test_signatures(path):
    theirs = importlib.import_module(f"torch.{path}")
    ours = importlib.import_module(f"fastnn.{path}")
    wrong = []
    for name in sorted(dir(theirs)):
        x = getattr(theirs, name)
        if name[0] == "_" or not hasattr(ours, name) or f"{path}.{name}" in OTHERWISE:
            continue
        if not callable(x) or not (getattr(x, "__module__", "") or "").startswith("torch"):
            continue
        want, got = parameters(x), parameters(getattr(ours, name))
        if want is None or got is None or [n for n, _, _ in want] in (["args", "kwargs"],):
            continue
        if [(n, k) for n, k, _ in want] != [(n, k) for n, k, _ in got]:
            wrong.append(f"{name}: {[n for n, _, _ in got]} are not {[n for n, _, _ in want]}")
            continue
        wrong += [f"{name}({n}={b!r}) is not {a!r}" for (n, _, a), (_, _, b)
                  in zip(want, got, strict=True) if plain(a) and plain(b) and a != b]
    assert not wrong, "\n".join(wrong)
