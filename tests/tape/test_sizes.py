"""Sizes are objects of their own: no reference is lost where Python caches no integer."""

import gc

import fastnn


def test_a_size_outlives_its_tensor():
    x = fastnn.tensor([[0.0] * 1000] * 2)
    shapes = [x.shape for _ in range(100)]
    del x
    gc.collect()
    filler = [i + 1000 for i in range(500)]
    assert all(s == (2, 1000) for s in shapes) and len(filler) == 500
