"""Arrays of any library that knows DLPack, through a C function and back, without a copy.

make libdlpack_relu.so && python with_dlpack.py
"""

import ctypes as c
import sys
from pathlib import Path

import numpy as np

import fastnn

api = c.pythonapi
api.PyCapsule_GetPointer.restype = c.c_void_p
api.PyCapsule_GetPointer.argtypes = [c.py_object, c.c_char_p]
api.PyCapsule_New.restype = c.py_object
api.PyCapsule_New.argtypes = [c.c_void_p, c.c_char_p, c.c_void_p]


class Capsule:
    """What the C function returned, as from_dlpack of every library takes it."""

    def __init__(self, pointer):
        self.pointer = pointer

    def __dlpack__(self, **_):
        return api.PyCapsule_New(self.pointer, b"dltensor", None)

    def __dlpack_device__(self):
        return 1, 0  # the CPU


def load(path):
    relu = c.CDLL(str(path)).dlpack_relu
    relu.restype = c.c_void_p
    relu.argtypes = [c.c_void_p]
    return relu


def call(relu, array):
    capsule = array.__dlpack__()  # keeps the array's memory until it is dropped
    pointer = relu(api.PyCapsule_GetPointer(capsule, b"dltensor"))
    if not pointer:
        raise ValueError("dlpack_relu refused the array")
    return Capsule(pointer)


def main(path=Path(__file__).parent / "libdlpack_relu.so"):
    relu = load(path)
    a = np.arange(-3, 3, dtype=np.float32).reshape(2, 3)
    results = {
        "NumPy to fastnn": fastnn.from_dlpack(call(relu, a)),
        "NumPy, transposed": fastnn.from_dlpack(call(relu, a.T)),
        "fastnn to NumPy": np.from_dlpack(call(relu, fastnn.tensor([[-1.0, 2.0]]))),
        "float64": np.from_dlpack(call(relu, a.astype(np.float64))),
    }
    for name, value in results.items():
        print(f"{name}: {value.tolist()}")
    return results


if __name__ == "__main__":
    main(*sys.argv[1:])
