"""libfastnn by ctypes: one step of logistic regression on NumPy arrays, nothing compiled."""

import ctypes as c

import numpy as np

import fastnn

lib = c.CDLL(f"{fastnn.get_lib()}/libfastnn.so")
lib.fnn_last_error.restype = c.c_char_p
lib.fnn_op_find.argtypes = [c.c_char_p]
F32 = 0
K, N, P = c.c_int, c.c_int64, c.c_void_p  # a kind or flag, a size, a pointer
lib.fnn_raw_gemm.argtypes = [K, K, K, N, N, N, P, N, P, N, K, P, N]
lib.fnn_raw_linear.argtypes = [K, N, N, N, P, P, P, K, P]
lib.fnn_raw_map.argtypes = [K, K, N, P, P, P, P]
lib.fnn_raw_adam.argtypes = [K, N, P, K, P, P, P, P]


def check(status):
    if status:
        raise RuntimeError(lib.fnn_last_error().decode())


def at(array):
    """Where a contiguous array's memory starts; it must outlive the call."""
    assert array.flags.c_contiguous
    return array.ctypes.data


def main(steps=200):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(256, 8)).astype(np.float32)
    y = (x @ draw.normal(size=8) > 0).astype(np.float32)
    w, dw, mean, square = (np.zeros(8, np.float32) for _ in range(4))
    z = np.empty(256, np.float32)
    cell = np.array([0, 0.05, 0, 0.9, 0.999, 1e-8])  # steps, lr, weight decay, beta1, beta2, eps
    sigmoid = lib.fnn_op_find(b"sigmoid")
    for _ in range(steps):
        check(lib.fnn_raw_linear(F32, 256, 8, 1, at(x), at(w), None, 0, at(z)))
        check(lib.fnn_raw_map(sigmoid, F32, 256, at(z), None, None, at(z)))
        error = (z - y) / 256
        check(lib.fnn_raw_gemm(F32, 1, 0, 8, 1, 256, at(x), 8, at(error), 1, 0, at(dw), 1))
        check(lib.fnn_raw_adam(F32, 8, at(dw), 0, at(cell), at(w), at(mean), at(square)))
    accuracy = float(((z > 0.5) == y).mean())
    print(f"training accuracy {accuracy:.3f} after {int(cell[0])} steps")
    return {"accuracy": accuracy, "steps": cell[0], "threads": lib.fnn_get_num_threads()}


if __name__ == "__main__":
    main()
