"""PyTorch's names of modules whose contents are elsewhere here: `from fastnn.autograd.variable
import Variable`, `import fastnn.distributions.normal`.

Each stands in sys.modules from the start, and finds what it is asked for in its home. A type
checker does not see them: it wants the home's name.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Home -> the modules that it stands for.
ELSEWHERE = {
    "fastnn": "_tensor functional",
    "fastnn._core.dlpack": "utils.dlpack",
    "fastnn._gradcheck": "autograd.gradcheck",
    "fastnn.amp": "amp.autocast_mode amp.grad_scaler",
    "fastnn.autograd": "autograd.anomaly_mode autograd.variable",
    "fastnn._core.tape": "autograd.graph",
    "fastnn.backends.mkldnn": "backends.mkl",
    "fastnn.cuda.amp": "cuda.amp.autocast_mode cuda.amp.grad_scaler",
    "fastnn.distributions": """
        bernoulli beta binomial categorical cauchy chi2 dirichlet exp_family exponential
        fishersnedecor geometric gumbel half_cauchy half_normal inverse_gamma kumaraswamy laplace
        log_normal logistic_normal lowrank_multivariate_normal mixture_same_family multinomial
        negative_binomial normal one_hot_categorical pareto poisson studentT uniform
        von_mises weibull""",
    "fastnn.distributions.relaxed": "distributions.relaxed_bernoulli "
                                    "distributions.relaxed_categorical",
    "fastnn.nn.parallel": "nn.parallel.data_parallel nn.parallel.distributed",
    "fastnn.optim.adafactor": "optim._adafactor",
    "fastnn.optim.muon": "optim._muon",
    "fastnn.utils.data": "utils.data._utils",
    "fastnn.utils.data.collate": "utils.data._utils.collate",
    "fastnn.utils.data.info": "utils.data._utils.worker",
}


class Elsewhere(ModuleType):
    """A module by another name."""

    def __init__(self, name: str, home: str) -> None:
        super().__init__(name, f"The contents of {home}, by PyTorch's name.")
        self.__spec__ = ModuleSpec(name, None)
        self._home = home

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        return getattr(import_module(self._home), name)

    def __dir__(self) -> list[str]:
        return dir(import_module(self._home))


def attach(package: str) -> None:
    """Make the modules that stand below a package its attributes, unless it has such already."""
    parent = sys.modules[package]
    own = dir(parent)
    for name, module in _made.items():
        above, _, child = name.rpartition(".")
        if above == package and child not in own:
            setattr(parent, child, module)


_made: dict[str, ModuleType] = {}
for _home, _names in ELSEWHERE.items():
    for _name in _names.split():
        _below = "distributions." if _home == "fastnn.distributions" else ""
        _full = f"fastnn.{_below}{_name}"
        _made[_full] = Elsewhere(_full, _home)
sys.modules.update(_made)
