"""Data sets that need no download: the 8x8 digits in the package, Fashion-MNIST where installed."""

from .digits import load_digits
from .fashion_mnist import load_fashion_mnist
from .idx import read_idx
from .labelled import Labelled

__all__ = ["Labelled", "load_digits", "load_fashion_mnist", "read_idx"]
