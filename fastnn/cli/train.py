"""fastnn train: read, split, normalise, train, keep the best, report."""

import argparse
import os
import time
from typing import Any

import numpy as np

from . import plots
from .errors import Problem
from .features import Features, fit_features
from .fit import History, Recipe, Trainer
from .net import Model, Shape, forward
from .progress import Progress
from .report import class_report, number_report
from .source import Source, open_source
from .split import Split, split_rows
from .target import scaled

# what suits each data set; a file of the user's takes the last line
DEFAULTS: dict[str, dict[str, Any]] = {
    "digits": {"hidden": [128, 64], "epochs": 60, "batch_size": 64, "dropout": 0.2},
    "fashion-mnist": {"hidden": [256, 128], "epochs": 15, "batch_size": 128, "dropout": 0.2},
    "": {"hidden": [64, 64], "epochs": 100, "batch_size": 32, "dropout": 0.1},
}
VALIDATION, TEST = 0.1, 0.2


def run(args: argparse.Namespace) -> None:
    import fastnn

    say = (lambda text: None) if args.quiet else (lambda text: print(text, flush=True))
    if args.threads is not None:
        fastnn.set_num_threads(args.threads)
    source = open_source(args.data, args.target, args.task, args.categorical, args.impute)
    settle(args, source)
    check_writable(args.out)
    split = make_split(source, args)
    scaled(source.target, source.table.column(source.target.name), split.train)
    features = fit_features(
        source.table, source.target.name, split.train,
        impute=args.impute, categorical=args.categorical, common=source.pixels, note=say,
    )  # fmt: skip
    fastnn.manual_seed(args.seed)
    shape = Shape(features.width(), args.hidden, source.target.outputs(), args.dropout)
    net = shape.build()
    say(describe(source, split, shape, net, args))
    history, seconds = train(net, shape, source, features, split, args)
    if history.stopped:
        say(f"stopped early: {history.stopped}")
    say(f"best epoch {history.best_epoch}, {seconds:.1f} s; model saved to {args.out}")
    draw(history, args, source, say)
    print(report(net, source, features, split))


def settle(args: argparse.Namespace, source: Source) -> None:
    """Fills in what the user left open."""
    for name, value in DEFAULTS.get(source.name if source.pixels else "", {}).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.out is None:
        args.out = f"{source.name}.safetensors"
    if source.given_test is not None and args.test is not None:
        raise Problem(f"{source.name} has its own test part: leave out --test")
    if args.test is None:
        args.test = TEST if source.given_test is None else 0.0
    if args.val is None:
        args.val = VALIDATION
    if args.val + args.test >= 1:
        raise Problem(f"--val {args.val} and --test {args.test} leave nothing to train on")


def check_writable(path: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise Problem(f"--out {path}: there is no folder {folder}")
    if os.path.isdir(path):
        raise Problem(f"--out {path}: is a folder")
    if not os.access(folder, os.W_OK):
        raise Problem(f"--out {path}: the folder {folder} is not writable")


def make_split(source: Source, args: argparse.Namespace) -> Split:
    rows = np.arange(source.table.rows)
    if source.given_test is not None:
        rows = np.setdiff1d(rows, source.given_test)
    classes = source.target.kind == "class"
    groups = source.encoded_target()[rows] if classes else np.zeros(len(rows), int)
    split = split_rows(groups, args.val, args.test, args.seed)
    test = split.test if source.given_test is None else source.given_test
    return Split(rows[split.train], rows[split.validation], rows[split.test] if args.test else test)


def describe(source: Source, split: Split, shape: Shape, net: Any, args: argparse.Namespace) -> str:
    import fastnn

    parts = ", ".join(
        f"{name} {len(rows)}" for name, rows in zip(Split._fields, split, strict=True)
    )
    target = source.target
    goal = f"{len(target.classes)} classes" if target.kind == "class" else f"number {target.name!r}"
    count = sum(p.numel() for p in net.parameters())
    return (
        f"data: {source.name}, {source.table.rows} rows, {len(source.table.columns) - 1} columns, "
        f"{goal} ({parts})\n"
        f"net: {shape.text()}, {count:,} parameters; {args.optimizer}, learning rate {args.lr}, "
        f"batches of {args.batch_size}, {fastnn.get_num_threads()} threads"
    )


def train(
    net: Any, shape: Shape, source: Source, features: Features, split: Split,
    args: argparse.Namespace,
) -> tuple[History, float]:  # fmt: skip
    recipe = Recipe(args.epochs, args.batch_size, args.lr, args.optimizer, args.weight_decay,
                    args.patience, args.seed)  # fmt: skip
    data, target = features.encode(source.table), source.encoded_target()

    def save(state: dict[str, Any], epoch: int) -> None:
        training = {"data": source.name, "epoch": epoch, "seed": args.seed}
        Model(shape, features, source.target, state, training).save(args.out)

    trainer = Trainer(net, data, target, split, recipe)
    steps = args.epochs * max(1, round(len(split.train) / args.batch_size))
    start = time.perf_counter()
    history = trainer.run(Progress(steps, args.quiet), save)
    return history, time.perf_counter() - start


def draw(history: History, args: argparse.Namespace, source: Source, say: Any) -> None:
    path = args.plot
    if path is None:
        if not plots.available():
            say("no curves drawn: matplotlib is not installed (pip install 'fastnn[cli]')")
            return
        path = os.path.splitext(args.out)[0] + ".png"
    elif not path:
        return
    elif not plots.available():
        raise Problem("--plot needs matplotlib: pip install 'fastnn[cli]'")
    plots.draw(history, path, source.name, source.target.kind == "class")
    say(f"curves drawn to {path}")


def report(net: Any, source: Source, features: Features, split: Split) -> str:
    held = source.table.take(split.test)
    scores = forward(net, features.encode(held))
    target = source.target
    truth = source.encoded_target()[split.test]
    if target.kind == "class":
        return class_report(target, truth, scores.argmax(1))
    back = [v.astype(np.float64) * target.std + target.mean for v in (truth, scores[:, 0])]
    return number_report(target, *back)
