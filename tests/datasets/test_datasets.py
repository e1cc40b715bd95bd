"""Loaders: shipped digits, IDX files, Fashion-MNIST."""

import gzip
import os
import struct
from importlib import resources

import numpy as np
import pytest

from fastnn.datasets import fashion_mnist as fashion
from fastnn.datasets import load_digits, load_fashion_mnist, read_idx


def idx_bytes(values, code=0x08):
    header = bytes([0, 0, code, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


def test_digits_has_the_known_shape_and_counts():
    digits = load_digits()
    assert digits.data.shape == (1797, 64) and digits.data.dtype == np.float32
    assert digits.target.shape == (1797,) and digits.target.dtype == np.int64
    assert digits.data.min() == 0 and digits.data.max() == 16
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as the UCI description lists
    assert np.bincount(digits.target).tolist() == counts
    assert len(digits.feature_names) == 64 and digits.target_names == list("0123456789")


def test_digits_file_is_small_and_named():
    folder = resources.files("fastnn.datasets")
    assert len(folder.joinpath("digits.bin.gz").read_bytes()) < 100_000
    assert "CC BY 4.0" in folder.joinpath("README.md").read_text()


def test_digits_equal_the_published_set():
    published = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn").load_digits()
    digits = load_digits()
    np.testing.assert_array_equal(digits.data, published.data)
    np.testing.assert_array_equal(digits.target, published.target)


@pytest.mark.parametrize(
    "code, dtype", [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
@pytest.mark.parametrize("packed", [False, True])
def test_idx_reads_every_type(tmp_path, code, dtype, packed):
    values = np.arange(-6, 6).astype(dtype).reshape(2, 3, 2)
    content = idx_bytes(values, code)
    path = tmp_path / "x.idx"
    path.write_bytes(gzip.compress(content) if packed else content)
    got = read_idx(path)
    assert got.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(got, values)


@pytest.mark.parametrize("content", [
    b"", b"\0\0", b"hello world", b"\0\0\x07\x01\0\0\0\x01a", b"\0\0\x08\x02\0\0\0\x01",
    b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x08\x01\0\0\0\x02abc", b"\0\0\x08\x02" + b"\xff" * 8,
    b"\x1f\x8b\x08", gzip.compress(b"\0\0\x08\x01\0\0\0\x02ab")[:-6],
])  # fmt: skip
def test_idx_refuses_malformed_files(tmp_path, content):
    path = tmp_path / "x.idx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="x.idx"):
        read_idx(path)


def write_fashion(folder, split="train", n=4, labels=None):
    images = np.arange(n * 28 * 28, dtype=np.uint8).reshape(n, 28, 28)
    labels = np.arange(n, dtype=np.uint8) if labels is None else labels
    stem = fashion.PREFIX[split]
    packed = gzip.compress(idx_bytes(images))
    (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(packed)
    (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return images, labels


def test_fashion_reads_fastnn_data(tmp_path, monkeypatch):
    images, labels = write_fashion(tmp_path)
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    got = load_fashion_mnist("train")
    np.testing.assert_array_equal(got.data, images.reshape(4, 784))
    np.testing.assert_array_equal(got.target, labels)
    assert got.target_names[9] == "Ankle boot" and len(got.feature_names) == 784


def test_fashion_names_the_package_when_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "PACKAGED", tmp_path / "nowhere")
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="dataset-fashion-mnist.*FASTNN_DATA"):
        load_fashion_mnist()


def test_fashion_refuses_contradictions(tmp_path):
    write_fashion(tmp_path, labels=np.arange(3, dtype=np.uint8))
    with pytest.raises(ValueError, match="4 images but 3 labels"):
        load_fashion_mnist("train", tmp_path)
    write_fashion(tmp_path, labels=np.full(4, 10, np.uint8))
    with pytest.raises(ValueError, match="label 10"):
        load_fashion_mnist("train", tmp_path)
    with pytest.raises(FileNotFoundError, match="t10k-images"):
        load_fashion_mnist("test", tmp_path)
    with pytest.raises(ValueError, match="split"):
        load_fashion_mnist("validation", tmp_path)


@pytest.mark.skipif(
    not os.path.isdir(fashion.PACKAGED), reason="Debian's package dataset-fashion-mnist is absent"
)
def test_fashion_of_the_package(monkeypatch):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    test = load_fashion_mnist("test")
    assert test.data.shape == (10000, 784) and test.data.max() == 255
    assert np.bincount(test.target).tolist() == [1000] * 10
