# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import device as Device
from fastnn._core.dtypes import dtype as DType
from fastnn._core.dtypes import memory_format as MemoryFormat
from fastnn._core.tensor import Tensor

__all__ = ["Generator", "alpha_dropout", "alpha_dropout_", "bernoulli", "default_generator",
           "dropout", "dropout_", "feature_alpha_dropout", "feature_alpha_dropout_",
           "feature_dropout", "feature_dropout_", "get_rng_state", "initial_seed", "manual_seed",
           "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn",
           "randn_like", "randperm", "seed", "set_rng_state"]

class Generator:
    def __init__(self, device: Any = ...) -> None: ...
    def clone_state(self) -> Any: ...
    @property
    def device(self) -> Any: ...
    def get_state(self) -> Any: ...
    def initial_seed(self) -> int: ...
    def manual_seed(self, seed: Any) -> Generator: ...
    def seed(self) -> int: ...
    def set_state(self, new_state: Any) -> Any: ...

def _restored(state: Any) -> Any: ...
default_generator: Generator
def manual_seed(seed: Any) -> Generator: ...
def seed() -> int: ...
def initial_seed() -> int: ...
def get_rng_state() -> Tensor: ...
def set_rng_state(new_state: Any) -> None: ...
def uniform_(
    self,
    low: float = 0.0,
    to: float = 1.0,
    *,
    generator: Generator | None = None,
) -> Tensor: ...
def normal_(
    self,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    generator: Generator | None = None,
) -> Tensor: ...
def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor: ...
def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor: ...
def random_(self, *args: Any, to: Any = None, generator: Generator | None = None) -> Tensor: ...
def rand(
    *args: Any,
    size: Any = None,
    generator: Generator | None = None,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor: ...
def randn(
    *args: Any,
    size: Any = None,
    generator: Generator | None = None,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor: ...
def randint(
    *args: Any,
    low: Any = None,
    high: Any = None,
    size: Any = None,
    generator: Generator | None = None,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor: ...
def randperm(
    n: Any,
    *,
    generator: Generator | None = None,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor: ...
def rand_like(
    input: Tensor,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    generator: Generator | None = None,
) -> Tensor: ...
def randn_like(
    input: Tensor,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    generator: Generator | None = None,
) -> Tensor: ...
def randint_like(
    input: Tensor,
    *args: Any,
    low: Any = None,
    high: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    generator: Generator | None = None,
) -> Tensor: ...
def normal(
    mean: float = 0.0,
    std: float = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor: ...
def bernoulli(
    input: Tensor,
    p: Any = None,
    *,
    generator: Generator | None = None,
    out: Any = None,
) -> Tensor: ...
def multinomial(
    input: Tensor,
    num_samples: Any,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Any = None,
) -> Tensor: ...
def _multinomial(weights: Any, noise: Any, count: Any, replacement: Any) -> Any: ...
def _with_replacement(rows: Any, u: Any) -> Any: ...
def _without(rows: Any, race: Any, count: Any) -> Any: ...
def dropout(input: Tensor, p: Any, train: Any) -> Tensor: ...
def dropout_(input: Tensor, p: Any, train: Any) -> Tensor: ...
def feature_dropout(input: Tensor, p: Any, train: Any) -> Tensor: ...
def feature_dropout_(input: Tensor, p: Any, train: Any) -> Tensor: ...
def alpha_dropout(input: Tensor, p: Any, train: Any) -> Tensor: ...
def alpha_dropout_(input: Tensor, p: Any, train: Any) -> Tensor: ...
def feature_alpha_dropout(input: Tensor, p: Any, train: Any) -> Tensor: ...
def feature_alpha_dropout_(input: Tensor, p: Any, train: Any) -> Tensor: ...
