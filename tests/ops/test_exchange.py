"""Sharing memory with other libraries: NumPy, buffers, DLPack."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest

import fastnn
from fastnn._core import runtime

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool", "int8", "int16", "float16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_both_ways_shares_memory(dtype):
    a = np.arange(6).reshape(2, 3).astype(dtype)
    t = fastnn.from_numpy(a)
    assert t.dtype == getattr(fastnn, dtype) and t.shape == (2, 3)
    b = t.numpy()
    a[0, 1] = 0
    assert b[0, 1] == 0 and b.dtype == a.dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_both_ways_shares_memory(dtype):
    a = np.arange(6).reshape(2, 3).astype(dtype)[:, ::-1]
    t = fastnn.from_dlpack(a)
    assert np.array_equal(t.numpy(), a)
    a[0, 0] = 0
    assert t.tolist() == a.tolist()
    b = np.from_dlpack(t)
    assert np.array_equal(b, a)
    del a, t
    gc.collect()
    assert b.shape == (2, 3)


def test_dlpack_keeps_the_memory_until_the_reader_is_done():
    before = runtime.memory_stats()["live_blocks"]
    t = fastnn.tensor(np.ones(100, "f4"))
    b = np.from_dlpack(t)
    del t
    gc.collect()
    assert b.sum() == 100
    del b
    gc.collect()
    assert runtime.memory_stats()["live_blocks"] == before


def test_dlpack_of_a_capsule_once():
    capsule = fastnn.tensor([1.0]).__dlpack__()
    assert fastnn.from_dlpack(capsule).tolist() == [1.0]
    with pytest.raises(ValueError, match="has not been used"):
        fastnn.from_dlpack(capsule)


def test_tensors_that_require_grad_are_not_given_away():
    t = fastnn.tensor([1.0], requires_grad=True)
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(t)
    with pytest.raises(RuntimeError, match="detach"):
        t.numpy()
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(t)
    assert t.detach().numpy().tolist() == [1.0]


def test_memory_that_numpy_borrowed_outlives_the_tensor():
    a = fastnn.tensor(np.arange(1000.0)).numpy()
    gc.collect()
    assert a.sum() == 499500


def test_negative_strides_and_empty_arrays():
    a = np.arange(12.0).reshape(3, 4)[::-1, ::-2]
    assert np.array_equal(fastnn.from_numpy(a).numpy(), a)
    assert fastnn.from_numpy(np.zeros((0, 3))).shape == (0, 3)


def test_read_only_memory_is_not_written():
    a = np.arange(3.0)
    a.flags.writeable = False
    t = fastnn.from_numpy(a)
    with pytest.raises(RuntimeError, match="read-only"):
        t.fill_(1.0)
    assert a.tolist() == [0, 1, 2]


def test_what_is_not_numeric_is_refused():
    for bad in (["a"], [None], object(), np.array(["x"]), {"a": 1}):
        with pytest.raises((TypeError, ValueError)):
            fastnn.tensor(bad)
    with pytest.raises(ValueError, match="inhomogeneous"):
        fastnn.tensor([[1, 2], [3]])
    with pytest.raises(TypeError, match="np.ndarray"):
        fastnn.from_numpy([1])


def test_default_dtypes_of_new_tensors():
    assert fastnn.tensor([1, 2]).dtype == fastnn.int64
    assert fastnn.tensor([1.5]).dtype == fastnn.float32
    assert fastnn.tensor(True).dtype == fastnn.bool
    assert fastnn.tensor(np.float64(1.5)).dtype == fastnn.float64
    assert fastnn.tensor(np.arange(2)).dtype == fastnn.int64
    assert fastnn.tensor([1, 2.5]).dtype == fastnn.float32
    assert fastnn.tensor([]).dtype == fastnn.float32
    assert fastnn.tensor([fastnn.tensor(1.0), fastnn.tensor(2.0)]).dtype == fastnn.float32
    assert fastnn.tensor([[1], [2]], dtype=fastnn.float64).dtype == fastnn.float64


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_pickle_and_deepcopy(dtype):
    t = fastnn.tensor([1, 0, 1]).to(dtype=getattr(fastnn, dtype))
    for made in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t)):
        assert made.dtype == t.dtype and made.float().tolist() == t.float().tolist()
        assert made.data_ptr() != t.data_ptr()


def test_only_leaves_are_copied_deeply():
    x = fastnn.tensor([1.0], requires_grad=True)
    y = x.clone()
    with pytest.raises(RuntimeError, match="leaf"):
        copy.deepcopy(y)
    with pytest.raises(RuntimeError, match="leaf"):
        pickle.dumps(y)
    assert copy.deepcopy(x).requires_grad


def test_frombuffer_shares_memory():
    memory = bytearray(np.arange(6, dtype="f4").tobytes())
    t = fastnn.frombuffer(memory, dtype=fastnn.float32, offset=4, count=3)
    t[0] = 9
    assert np.frombuffer(memory, "f4").tolist() == [0, 9, 2, 3, 4, 5]
    assert fastnn.frombuffer(b"abc", dtype=fastnn.uint8).tolist() == [97, 98, 99]
    with pytest.raises(ValueError, match="frombuffer"):
        fastnn.frombuffer(b"abc", dtype=fastnn.float32)
