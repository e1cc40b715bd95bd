"""The multilayer perceptron that the commands train, and its file."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .errors import Problem
from .features import Features
from .target import Target

KIND = "fastnn tabular model 1"


@dataclass
class Shape:
    """Linear, BatchNorm1d, ReLU, Dropout for every hidden width, then Linear."""

    inputs: int
    hidden: list[int]
    outputs: int
    dropout: float

    def build(self) -> Any:
        from fastnn import nn

        layers: list[Any] = []
        width = self.inputs
        for size in self.hidden:
            layers += [nn.Linear(width, size), nn.BatchNorm1d(size), nn.ReLU()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            width = size
        return nn.Sequential(*layers, nn.Linear(width, self.outputs))

    def text(self) -> str:
        return "-".join(map(str, [self.inputs, *self.hidden, self.outputs]))


@dataclass
class Model:
    """All that predicting needs."""

    shape: Shape
    features: Features
    target: Target
    state: dict[str, Any]
    training: dict[str, Any]

    def save(self, path: str) -> None:
        import fastnn

        value = {
            "kind": KIND,
            "shape": asdict(self.shape),
            "features": self.features.plain(),
            "target": self.target.plain(),
            "training": self.training,
            "state": self.state,
        }
        try:
            fastnn.save(value, path)
        except OSError as error:
            raise Problem(f"{path}: cannot write the model ({error.strerror or error})") from None

    def net(self) -> Any:
        net = self.shape.build()
        net.load_state_dict(self.state)
        return net


def load_model(path: str) -> Model:
    """The model of a file; Problem if it is damaged or was not written by ``fastnn train``."""
    import pickle

    import fastnn

    try:
        value = fastnn.load(path)
    except FileNotFoundError:
        raise Problem(f"{path}: no such file") from None
    except IsADirectoryError:
        raise Problem(f"{path}: is a folder, not a model file") from None
    except OSError as error:
        raise Problem(f"{path}: {error.strerror or error}") from None
    except RuntimeError as error:
        raise Problem(f"{str(error).removeprefix(f'{path}: ')} ({path} is no model)") from None
    except (pickle.UnpicklingError, MemoryError, ValueError) as error:
        raise Problem(f"{path}: not a model file ({error})") from None
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise Problem(f"{path}: not a model that fastnn train wrote")
    try:
        model = Model(
            Shape(**value["shape"]),
            Features.from_plain(value["features"]),
            Target(**value["target"]),
            value["state"],
            value["training"],
        )
        model.net()
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        raise Problem(f"{path}: a model with contradictory contents ({error})") from None
    return model


def forward(net: Any, data: np.ndarray, rows: int = 4096) -> np.ndarray:
    """The net's outputs for all rows, in evaluation mode."""
    import fastnn

    net.eval()
    with fastnn.no_grad():
        parts = [
            net(fastnn.from_numpy(np.ascontiguousarray(data[i : i + rows]))).numpy()
            for i in range(0, len(data), rows)
        ]
    return np.concatenate(parts)


def softmax(scores: np.ndarray) -> np.ndarray:
    """exp(s) / sum(exp(s)) along the classes, in float64."""
    power = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return power / power.sum(axis=1, keepdims=True)


def cross_entropy(scores: np.ndarray, target: np.ndarray) -> float:
    """mean(-log softmax(s)[target])."""
    chosen = softmax(scores)[np.arange(len(target)), target]
    return float(-np.log(np.maximum(chosen, 1e-300)).mean())
