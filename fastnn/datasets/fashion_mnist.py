"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 (Xiao, Rasul, Vollgraf 2017; MIT licence)."""

import os
from pathlib import Path

import numpy as np

from .idx import read_idx
from .labelled import Labelled

CLASSES = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip
PREFIX = {"train": "train", "test": "t10k"}
PACKAGED = Path("/usr/share/datasets/fashion-mnist")


def find(folder: str | os.PathLike | None = None) -> Path:
    """The folder with the IDX files: the argument, else FASTNN_DATA, else Debian's package."""
    data = os.environ.get("FASTNN_DATA")
    if folder is not None:
        candidates = [Path(folder)]
    else:
        candidates = [Path(data), Path(data) / "fashion-mnist"] if data else []
        candidates.append(PACKAGED)
    for candidate in candidates:
        if locate(candidate, "train-images-idx3-ubyte"):
            return candidate
    places = ", ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(
        f"Fashion-MNIST not found in {places}: install Debian's package dataset-fashion-mnist, "
        "or set FASTNN_DATA to the folder with its four IDX files"
    )


def locate(folder: Path, stem: str) -> Path | None:
    for name in (f"{stem}.gz", stem):
        if (folder / name).is_file():
            return folder / name
    return None


def part(folder: Path, stem: str, rank: int) -> np.ndarray:
    path = locate(folder, stem)
    if path is None:
        raise FileNotFoundError(f"{folder} holds neither {stem} nor {stem}.gz")
    values = read_idx(path)
    if values.ndim != rank or values.dtype != np.uint8:
        raise ValueError(f"{path}: expected {rank}-dimensional bytes, found shape {values.shape}")
    return values


def load_fashion_mnist(split: str = "train", folder: str | os.PathLike | None = None) -> Labelled:
    """data: (60000 or 10000, 784) float32, pixels 0 to 255;  target: (N,) int64, 0 to 9."""
    if split not in PREFIX:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    where = find(folder)
    images = part(where, f"{PREFIX[split]}-images-idx3-ubyte", 3)
    labels = part(where, f"{PREFIX[split]}-labels-idx1-ubyte", 1)
    if len(images) != len(labels):
        raise ValueError(f"{where}: {len(images)} images but {len(labels)} labels")
    if len(labels) and labels.max() >= len(CLASSES):
        raise ValueError(f"{where}: label {labels.max()} of {len(CLASSES)} classes")
    rows, columns = images.shape[1:]
    names = [f"pixel_{row}_{column}" for row in range(rows) for column in range(columns)]
    data = images.reshape(len(images), rows * columns).astype(np.float32)
    return Labelled(data, labels.astype(np.int64), names, list(CLASSES))
