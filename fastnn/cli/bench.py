"""fastnn bench: a first table of fastnn against the libraries installed on this machine."""

import argparse
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .info import cpu_name
from .timing import interleaved, readable

Works = dict[str, Callable[[], Any]]
PEERS = ("numpy", "torch", "sklearn")


def run(args: argparse.Namespace) -> None:
    import fastnn
    from fastnn._core import runtime

    threads = args.threads or runtime.get_num_threads()
    libraries: dict[str, Any] = {"fastnn": fastnn}
    for name in PEERS:
        if importlib.util.find_spec(name):
            libraries[name] = importlib.import_module(name)
    limit_threads(libraries, threads)
    print(f"{cpu_name()}; {runtime.isa()}, {threads} threads; medians of one interleaved run")
    print("the figure in brackets: how many times faster fastnn is")
    print(line("", [*libraries]))
    for title, works in rows(libraries):
        times = interleaved(works, args.seconds)
        print(line(title, cells(times, list(libraries))), flush=True)


def limit_threads(libraries: dict[str, Any], threads: int) -> None:
    """The same count for all; NumPy's BLAS obeys only where threadpoolctl is installed."""
    libraries["fastnn"].set_num_threads(threads)
    if "torch" in libraries:
        libraries["torch"].set_num_threads(threads)
    if importlib.util.find_spec("threadpoolctl"):
        importlib.import_module("threadpoolctl").threadpool_limits(threads, "blas")


def line(title: str, columns: list[str]) -> str:
    return f"{title:<34}" + "".join(f"{text:>20}" for text in columns)


def cells(times: dict[str, float], names: list[str]) -> list[str]:
    ours, out = times["fastnn"], []
    for name in names:
        if name not in times:
            out.append("")
        elif name == "fastnn":
            out.append(readable(ours))
        else:
            out.append(f"{readable(times[name])} ({times[name] / ours:.2f}x)")
    return out


def rows(libraries: dict[str, Any]) -> Iterator[tuple[str, Works]]:
    """(title, what each library does for it); every library does the same work."""
    torchlike = {name: lib for name, lib in libraries.items() if name in ("fastnn", "torch")}
    yield "train step 784-128-10, batch 32", train_steps(libraries, torchlike)
    for n in (256, 1024):
        yield f"matrix product {n} x {n}", products(torchlike, n)
    million = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    yield "exp of 1,000,000", unary(torchlike, million, "exp")
    yield "add of 1,000,000", pairs(torchlike, million)
    yield "softmax of 1000 x 1000", softmax_works(torchlike, million.reshape(1000, 1000))
    yield "sum of 1,000,000", unary(torchlike, million, "sum")
    yield "add of 8", pairs(torchlike, million[:8])
    yield "Adam step, 1,000,000 parameters", {n: adam(lib) for n, lib in torchlike.items()}


def train_steps(libraries: dict[str, Any], torchlike: dict[str, Any]) -> Works:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, 784)).astype(np.float32)
    y = rng.integers(0, 10, 32)
    works = {name: net_step(lib, x, y) for name, lib in torchlike.items()}
    works["numpy"] = NumpyStep(x, y).step
    if "sklearn" in libraries:
        works["sklearn"] = sklearn_step(x, y)
    return works


def net_step(lib: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    net = lib.nn.Sequential(lib.nn.Linear(784, 128), lib.nn.ReLU(), lib.nn.Linear(128, 10))
    optimizer = lib.optim.SGD(net.parameters(), lr=0.01)
    data, target = lib.tensor(x), lib.tensor(y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(net(data), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


class NumpyStep:
    """The same step by hand: dz2 = (softmax(z2) - onehot(y)) / N, and the chain rule from there."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        rng = np.random.default_rng(1)
        self.x, self.y = x, y
        self.w1 = (rng.standard_normal((784, 128)) / 28).astype(np.float32)
        self.w2 = (rng.standard_normal((128, 10)) / 11).astype(np.float32)
        self.b1, self.b2 = np.zeros(128, np.float32), np.zeros(10, np.float32)

    def step(self) -> None:
        h = np.maximum(self.x @ self.w1 + self.b1, 0)
        z = h @ self.w2 + self.b2
        d2 = np.exp(z - z.max(1, keepdims=True))
        d2 /= d2.sum(1, keepdims=True)
        d2[np.arange(len(self.y)), self.y] -= 1
        d2 /= len(self.y)
        d1 = (d2 @ self.w2.T) * (h > 0)
        self.w2 -= 0.01 * (h.T @ d2)
        self.b2 -= 0.01 * d2.sum(0)
        self.w1 -= 0.01 * (self.x.T @ d1)
        self.b1 -= 0.01 * d1.sum(0)


def sklearn_step(x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((128,), solver="sgd", batch_size=32, learning_rate_init=0.01)
    net.partial_fit(x, y, classes=np.arange(10))
    return lambda: net.partial_fit(x, y)


def products(torchlike: dict[str, Any], n: int) -> Works:
    a = np.random.default_rng(0).standard_normal((n, n)).astype(np.float32)
    works: Works = {name: matmul(lib.tensor(a)) for name, lib in torchlike.items()}
    works["numpy"] = lambda: a @ a
    return works


def matmul(tensor: Any) -> Callable[[], Any]:
    return lambda: tensor @ tensor


def unary(torchlike: dict[str, Any], values: np.ndarray, op: str) -> Works:
    works: Works = {}
    for name, lib in torchlike.items():
        works[name] = partial(getattr(lib, op), lib.tensor(values))
    works["numpy"] = partial(getattr(np, op), values)
    return works


def pairs(torchlike: dict[str, Any], values: np.ndarray) -> Works:
    works: Works = {name: doubled(lib.tensor(values)) for name, lib in torchlike.items()}
    works["numpy"] = doubled(values)
    return works


def doubled(value: Any) -> Callable[[], Any]:
    return lambda: value + value


def softmax_works(torchlike: dict[str, Any], values: np.ndarray) -> Works:
    def by_numpy() -> np.ndarray:
        power = np.exp(values - values.max(1, keepdims=True))
        return power / power.sum(1, keepdims=True)

    works: Works = {}
    for name, lib in torchlike.items():
        tensor = lib.tensor(values)
        works[name] = partial(lib.softmax, tensor, 1)
    works["numpy"] = by_numpy
    return works


def adam(lib: Any) -> Callable[[], Any]:
    parameters = [lib.nn.Parameter(lib.ones(1000, 250)) for _ in range(4)]
    optimizer = lib.optim.Adam(parameters, lr=1e-6)
    for parameter in parameters:
        parameter.grad = lib.ones(1000, 250)
    return optimizer.step
