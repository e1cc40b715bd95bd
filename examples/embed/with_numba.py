"""libfastnn inside functions that numba compiles, without the GIL. pip install numba"""

import ctypes as c

import numpy as np
from numba import njit

import fastnn

lib = c.CDLL(f"{fastnn.get_lib()}/libfastnn.so")
linear = lib.fnn_raw_linear  # numba calls what ctypes describes
linear.argtypes = [c.c_int, c.c_int64, c.c_int64, c.c_int64, c.c_void_p, c.c_void_p, c.c_void_p,
                   c.c_int, c.c_void_p]  # fmt: skip
F64 = 1


@njit(nogil=True)
def newest(x, w, bias, history):
    """Feeds each row's result into the next one: a loop that NumPy cannot vectorise."""
    state = np.zeros_like(bias)
    for i in range(len(x)):
        inputs = x[i] + state
        status = linear(F64, 1, inputs.size, bias.size, inputs.ctypes.data, w.ctypes.data,
                        bias.ctypes.data, 1, history[i].ctypes.data)  # fmt: skip
        if status != 0:
            return status
        state = history[i]
    return 0


def main():
    draw = np.random.default_rng(0)
    x, w, bias = draw.normal(size=(50, 8)), draw.normal(size=(8, 8)) / 4, draw.normal(size=8)
    history = np.empty((50, 8))
    if newest(x, w, bias, history):
        raise RuntimeError("fnn_raw_linear refused its operands")
    state = np.zeros(8)
    for row in x:
        state = np.maximum(w @ (row + state) + bias, 0)
    difference = float(np.abs(history[-1] - state).max())
    print(f"largest difference to NumPy: {difference:.1e}")
    return difference


if __name__ == "__main__":
    main()
