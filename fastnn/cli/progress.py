"""Progress on the terminal: a bar by tqdm where it is installed, else the epoch lines alone."""

import sys
from typing import Any


class Progress:
    """One bar over all steps; epoch lines go to stdout above it."""

    def __init__(self, steps: int, quiet: bool):
        self.quiet = quiet
        self.bar = None if quiet else make_bar(steps)

    def step(self, n: int = 1) -> None:
        if self.bar is not None:
            self.bar.update(n)

    def line(self, text: str) -> None:
        if self.quiet:
            return
        if self.bar is not None and sys.stdout.isatty():
            self.bar.clear()
        print(text, flush=True)

    def show(self, **figures: str) -> None:
        if self.bar is not None:
            self.bar.set_postfix(figures, refresh=False)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def make_bar(steps: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    interval = 0.1 if sys.stderr.isatty() else 1.0
    return tqdm(total=steps, unit="step", mininterval=interval, dynamic_ncols=True, leave=False)
