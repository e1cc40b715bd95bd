"""1,797 handwritten digits of 8x8 pixels, in the package (source and licence: README.md)."""

import gzip
from importlib import resources

import numpy as np

from .labelled import Labelled

COUNT, PIXELS = 1797, 64


def load_digits() -> Labelled:
    """data: (1797, 64) float32, pixels 0 to 16 row by row;  target: (1797,) int64, 0 to 9.

    The file holds 65 columns of 1,797 bytes, the 64 pixels and the label: by columns it is smaller.
    """
    packed = resources.files(__package__).joinpath("digits.bin.gz").read_bytes()
    table = np.frombuffer(gzip.decompress(packed), np.uint8).reshape(PIXELS + 1, COUNT).T
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    return Labelled(
        np.ascontiguousarray(table[:, :PIXELS], np.float32),
        table[:, PIXELS].astype(np.int64),
        names,
        [str(digit) for digit in range(10)],
    )
