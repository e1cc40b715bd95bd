"""The learning curves as a picture, where matplotlib is installed."""

import importlib.util

from .errors import Problem
from .fit import History


def available() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def draw(history: History, path: str, title: str, classes: bool) -> None:
    """Loss, and accuracy of classes, per epoch of training and validation, to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9 if classes else 5, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if classes else 1, squeeze=False)[0]
    curves = [("loss", history.loss, history.validation_loss)]
    if classes:
        curves.append(("accuracy", history.score, history.validation_score))
    for axis, (name, training, validation) in zip(axes, curves, strict=True):
        axis.plot(range(1, len(training) + 1), training, label="training")
        if validation:
            axis.plot(range(1, len(validation) + 1), validation, label="validation")
        axis.axvline(history.best_epoch, color="grey", linewidth=0.8, linestyle=":", label="best")
        axis.set(xlabel="epoch", ylabel=name)
        axis.legend()
    figure.suptitle(title)
    try:
        figure.savefig(path, dpi=120, format="png")
    except OSError as error:
        raise Problem(f"{path}: cannot write the picture ({error.strerror or error})") from None
