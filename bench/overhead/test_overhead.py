"""What one small call costs before any element is computed."""

import pytest

ENGINES = ["fastnn", "torch"]


def works(T):
    a, b = T.ones(8), T.ones(8, requires_grad=True)
    net = T.nn.Sequential(T.nn.Linear(8, 8), T.nn.ReLU())
    optimizer = T.optim.SGD(net.parameters(), lr=0.1)
    for parameter in net.parameters():
        parameter.grad = T.zeros(*parameter.shape)
    return {
        "add": lambda: a + a,
        "add that is recorded": lambda: a + b,
        "add, sum, backward": lambda: (a + b).sum().backward(),
        "index": lambda: a[3],
        "item": lambda: a[3].item(),
        "view": lambda: a.view(2, 4),
        "zeros": lambda: T.zeros(8),
        "module": lambda: net(a.view(1, 8)),
        "optimizer step": optimizer.step,
    }


NAMES = ["add", "add that is recorded", "add, sum, backward", "index", "item", "view", "zeros",
         "module", "optimizer step"]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_call(benchmark, name, engine):
    T = pytest.importorskip(engine, reason=f"{engine} is not installed: nothing to compare with")
    benchmark.group = name
    benchmark.pedantic(works(T)[name], rounds=5, iterations=200, warmup_rounds=1)
