"""fastnn config, fastnn-config: what a C compiler is told."""

import argparse
import shlex
import sys

from fastnn import _paths


def run(args: argparse.Namespace) -> None:
    """Prints what was asked for on one line; the flags of both kinds where nothing was."""
    folders = {"prefix": _paths.get_prefix, "include": _paths.get_include, "lib": _paths.get_lib}
    told = [folder() for name, folder in folders.items() if getattr(args, name)]
    plain = not told and not args.cflags and not args.libs
    told += _paths.flags(args.cflags or plain, args.libs or plain, args.static)
    print(shlex.join(told))


def main() -> int:
    """The console script fastnn-config."""
    from . import main as fastnn

    return fastnn(["config", *sys.argv[1:]])
