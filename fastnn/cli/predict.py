"""fastnn predict: the rows of a file through a saved model."""

import argparse
import csv
import io
import sys

import numpy as np

from .errors import Problem
from .net import Model, forward, load_model, softmax
from .table import Table, read_table


def run(args: argparse.Namespace) -> None:
    model = load_model(args.model)
    table = read_table(args.file)
    scores = forward(model.net(), model.features.encode(table))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(class_rows(model, scores) if model.target.kind == "class"
                     else number_rows(model, scores))  # fmt: skip
    emit(text.getvalue(), args.out)
    tell_accuracy(model, table, scores)


def class_rows(model: Model, scores: np.ndarray) -> list[list[str]]:
    """A header, then per row the likeliest class and the probability of each."""
    classes = model.target.classes
    rows = [["prediction", *(f"p({label})" for label in classes)]]
    chances = softmax(scores)
    for best, row in zip(chances.argmax(1), chances.tolist(), strict=True):
        rows.append([classes[best], *(f"{p:.6f}" for p in row)])
    return rows


def number_rows(model: Model, scores: np.ndarray) -> list[list[str]]:
    values = scores[:, 0].astype(np.float64) * model.target.std + model.target.mean
    return [["prediction"], *([f"{value:.9g}"] for value in values)]


def emit(text: str, out: str | None) -> None:
    if out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from fastnn._atomic import atomic_write

    try:
        with atomic_write(out) as file:
            file.write(text.encode())
    except OSError as error:
        raise Problem(f"{out}: cannot write ({error.strerror or error})") from None


def tell_accuracy(model: Model, table: Table, scores: np.ndarray) -> None:
    """Where the file holds the true classes as well, how many were met (on stderr)."""
    column = table.find(model.target.name) if table.named else None
    if column is None or model.target.kind != "class":
        return
    truth = model.target.encode(column)
    known = truth >= 0
    if known.any():
        share = (scores.argmax(1) == truth)[known].mean()
        print(f"accuracy on {known.sum()} rows with {model.target.name!r}: {100 * share:.1f} %",
              file=sys.stderr)  # fmt: skip
