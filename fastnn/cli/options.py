"""The commands and their options."""

import argparse
import importlib
import io
import math
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def number(kind: Callable[[str], Any], low: float, high: float, words: str) -> Callable:
    """A value of ``kind`` in [low, high], for argparse."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or math.isinf(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {words}")
        return value

    return parse


def positive(text: str) -> int:
    return number(int, 1, 10**9, "a whole number from 1")(text)


def share(text: str) -> float:
    return number(float, 0, 0.9, "a share from 0 to 0.9")(text)


def rate(text: str) -> float:
    return number(float, 1e-12, 1e6, "a positive number")(text)


def widths(text: str) -> list[int]:
    if text.strip() in ("", "0", "none"):
        return []
    return [positive(part) for part in text.split(",")]


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def command(module: str) -> Callable[[argparse.Namespace], None]:
    """The command's run function, imported when it is called."""

    def run(args: argparse.Namespace) -> None:
        importlib.import_module(f"fastnn.cli.{module}").run(args)

    return run


def parser() -> argparse.ArgumentParser:
    from fastnn._core.runtime import version

    top = Parser(prog="fastnn", description="Train small networks fast on the CPU.")
    top.add_argument("--version", action="version", version=f"fastnn {version()}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    train_options(commands)
    predict_options(commands)
    info = commands.add_parser("info", help="what fastnn found on this machine")
    info.set_defaults(run=command("info"))
    bench_options(commands)
    config_options(commands)
    return top


def train_options(commands: Any) -> None:
    p = commands.add_parser("train", help="train a net on digits, fashion-mnist or a file")
    p.set_defaults(run=command("train"))
    p.add_argument(
        "data",
        nargs="?",
        default="digits",
        metavar="DATA",
        help="digits (shipped), fashion-mnist, or a CSV or NPZ file; default digits",
    )
    p.add_argument("--target", metavar="COLUMN", help="column to predict, for a file")
    p.add_argument("--task", choices=["auto", "classification", "regression"], default="auto")
    p.add_argument(
        "--categorical",
        type=names,
        default=[],
        metavar="A,B",
        help="columns to take as categories although they hold numbers",
    )
    p.add_argument("--impute", choices=["mean", "median", "mode"], help="fill missing values")
    p.add_argument("--hidden", type=widths, metavar="N,M", help="widths of the hidden layers")
    p.add_argument("--dropout", type=share, metavar="P")
    p.add_argument("--epochs", type=positive, metavar="N", help="at most so many")
    p.add_argument("--batch-size", type=number(int, 2, 10**9, "a whole number from 2"))
    p.add_argument("--optimizer", choices=["adamw", "adam", "sgd", "rmsprop"], default="adamw")
    p.add_argument("--lr", type=rate, default=2e-3, metavar="RATE", help="cosine decay from here")
    p.add_argument("--weight-decay", type=number(float, 0, 1e6, "a number from 0"), default=1e-2)
    p.add_argument(
        "--patience",
        type=number(int, 0, 10**9, "a whole number from 0"),
        default=15,
        metavar="N",
        help="epochs without improvement before stopping; 0: never stop",
    )
    p.add_argument("--val", type=share, metavar="SHARE", help="validation part; default 0.1")
    p.add_argument(
        "--test",
        type=number(float, 0.01, 0.9, "a share from 0.01 to 0.9"),
        metavar="SHARE",
        help="test part; default 0.2",
    )
    p.add_argument("--seed", type=number(int, 0, 2**32 - 1, "a whole number from 0"), default=0)
    p.add_argument("--threads", type=positive, metavar="N")
    p.add_argument("--out", metavar="FILE", help="model file; default DATA.safetensors")
    p.add_argument("--plot", metavar="PNG", help="picture of the curves; '' draws none")
    p.add_argument("--quiet", action="store_true", help="print the test report alone")


def predict_options(commands: Any) -> None:
    p = commands.add_parser("predict", help="predict the rows of a CSV or NPZ file")
    p.set_defaults(run=command("predict"))
    p.add_argument("model", metavar="MODEL", help="what fastnn train saved")
    p.add_argument("file", metavar="FILE")
    p.add_argument("--out", metavar="CSV", help="default: standard output")


def bench_options(commands: Any) -> None:
    p = commands.add_parser("bench", help="compare with the libraries installed here")
    p.set_defaults(run=command("bench"))
    p.add_argument("--threads", type=positive, metavar="N")
    p.add_argument(
        "--seconds",
        type=number(float, 0.01, 3600, "a number of seconds"),
        default=1.0,
        help="time per line of the table",
    )


def config_options(commands: Any) -> None:
    p = commands.add_parser("config", help="flags that compile and link a C program")
    p.set_defaults(run=command("config"))
    p.add_argument("--cflags", action="store_true", help="flags for the compiler")
    p.add_argument("--libs", action="store_true", help="flags for the linker")
    p.add_argument("--static", action="store_true", help="link libfastnn.a, not libfastnn.so")
    p.add_argument("--prefix", action="store_true", help="the folder of include and lib")
    p.add_argument("--include", action="store_true", help="the folder of fastnn.h")
    p.add_argument("--lib", action="store_true", help="the folder of the libraries")


def main(argv: list[str] | None = None) -> int:
    """Runs one command; 0, or 2 with one line on stderr, or 130 after Ctrl-C."""
    from .errors import Problem

    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        args.run(args)
        sys.stdout.flush()
    except Problem as problem:
        return failed(args.command, str(problem))
    except MemoryError:
        return failed(args.command, "out of memory")
    except BrokenPipeError:  # the reader of our output went away: say nothing, also at exit
        sys.stdout = None
        return 2
    except OSError as error:
        return failed(args.command, str(error))
    except Exception as error:  # a fault of ours: still no traceback unless asked for
        if os.environ.get("FASTNN_DEBUG"):
            raise
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        failed(args.command, f"{text} (FASTNN_DEBUG=1 shows where)")
        return 70
    except KeyboardInterrupt:
        print(f"\nfastnn {args.command}: interrupted", file=sys.stderr)
        return 130
    return 0


def failed(command: str, message: str) -> int:
    line = " ".join(message.split())
    print(f"fastnn {command}: {line}", file=sys.stderr)
    return 2
