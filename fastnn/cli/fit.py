"""The training loop: shuffled batches, cosine learning rate, early stopping, best epoch kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Problem
from .net import cross_entropy, forward
from .progress import Progress
from .split import Split

SAVE_EVERY = 5.0  # seconds between two saves of an improving model


@dataclass
class Recipe:
    epochs: int
    batch_size: int
    lr: float
    optimizer: str
    weight_decay: float
    patience: int
    seed: int


@dataclass
class History:
    """Figures per epoch; score is the accuracy, or the mean squared error of a number."""

    loss: list[float]
    score: list[float]
    validation_loss: list[float]
    validation_score: list[float]
    best_epoch: int = 0
    stopped: str = ""


def make_optimizer(name: str, net: Any, lr: float, decay: float) -> Any:
    """Weight decay goes to the matrices alone: biases and normalisation stay free."""
    from fastnn import optim

    parameters = list(net.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    if name == "sgd":
        return optim.SGD(groups, lr=lr, momentum=0.9)
    return {"adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop}[name](groups, lr=lr)


def batches(rows: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The shuffled row numbers in nearly equal batches of about ``size``, of at least 2 rows."""
    count = max(1, min(round(rows / size), rows // 2))
    return np.array_split(rng.permutation(rows), count)


def measure(scores: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """(cross-entropy, accuracy) of class scores, (mean squared error, the same) of numbers."""
    if target.dtype == np.int64:
        return cross_entropy(scores, target), float((scores.argmax(1) == target).mean())
    error = float(np.mean((scores[:, 0].astype(np.float64) - target) ** 2))
    return error, error


class Trainer:
    """Trains a net in place on rows of data, (rows, inputs), and target."""

    def __init__(
        self, net: Any, data: np.ndarray, target: np.ndarray, split: Split, recipe: Recipe
    ):
        self.net, self.data, self.target, self.split, self.recipe = net, data, target, split, recipe
        self.classes = target.dtype == np.int64
        self.optimizer = make_optimizer(recipe.optimizer, net, recipe.lr, recipe.weight_decay)
        self.rng = np.random.default_rng(recipe.seed)
        self.history = History([], [], [], [])

    def run(self, progress: Progress, save: Callable[[dict[str, Any], int], None]) -> History:
        """Leaves the net at its best epoch, having called save(state, epoch) for it.

        The best epoch has the lowest validation loss (training loss without a validation part);
        ``patience`` epochs without a better one end the training, as Ctrl-C does.
        """
        from fastnn.optim.lr_scheduler import CosineAnnealingLR

        recipe, history = self.recipe, self.history
        schedule = CosineAnnealingLR(self.optimizer, recipe.epochs)
        best, best_loss, saved_at, unsaved = {}, float("inf"), 0.0, False
        try:
            for epoch in range(1, recipe.epochs + 1):
                self.train_epoch(progress)
                schedule.step()
                loss = self.judge()
                progress.line(epoch_line(epoch, recipe.epochs, history, self.classes))
                if not np.isfinite(history.loss[-1]):
                    raise Problem(f"the loss became {history.loss[-1]} in epoch {epoch}: "
                                  "choose a smaller --lr")  # fmt: skip
                if loss < best_loss:
                    best_loss, history.best_epoch = loss, epoch
                    best, unsaved = copied(self.net), True
                    if time.monotonic() - saved_at > SAVE_EVERY:
                        save(best, epoch)
                        saved_at, unsaved = time.monotonic(), False
                elif recipe.patience and epoch - history.best_epoch >= recipe.patience:
                    history.stopped = f"no better validation loss for {recipe.patience} epochs"
                    break
        finally:
            progress.close()
            if best and unsaved:
                save(best, history.best_epoch)
        self.net.load_state_dict(best)
        return history

    def train_epoch(self, progress: Progress) -> None:
        rows, total, right = self.split.train, 0.0, 0
        self.net.train()
        for chosen in batches(len(rows), self.recipe.batch_size, self.rng):
            loss, hits = self.step(rows[chosen])
            total += loss * len(chosen)
            right += hits
            progress.step()
        mean = total / len(rows)
        self.history.loss.append(mean)
        self.history.score.append(right / len(rows) if self.classes else mean)

    def step(self, rows: np.ndarray) -> tuple[float, int]:
        """One update; its loss, and how many classes were guessed right."""
        import fastnn

        functional, y = fastnn.nn.functional, self.target[rows]
        scores, hits = self.net(fastnn.from_numpy(self.data[rows])), 0
        if self.classes:
            loss = functional.cross_entropy(scores, fastnn.from_numpy(y))
            hits = int((scores.detach().numpy().argmax(1) == y).sum())
        else:
            loss = functional.mse_loss(scores, fastnn.from_numpy(y[:, None]))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), hits

    def judge(self) -> float:
        """Appends the validation figures; returns the loss that decides which epoch is best."""
        rows = self.split.validation
        if not len(rows):
            return self.history.loss[-1]
        loss, score = measure(forward(self.net, self.data[rows]), self.target[rows])
        self.history.validation_loss.append(loss)
        self.history.validation_score.append(score)
        return loss


def copied(net: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def epoch_line(epoch: int, epochs: int, history: History, classes: bool) -> str:
    def part(label: str, loss: list[float], score: list[float]) -> str:
        if not loss:
            return ""
        return f"  {label} {loss[-1]:.4f}" + (f"  accuracy {100 * score[-1]:5.1f} %" * classes)

    return (
        f"epoch {epoch:{len(str(epochs))}d}/{epochs}"
        + part("loss", history.loss, history.score)
        + part("| validation loss", history.validation_loss, history.validation_score)
    )
