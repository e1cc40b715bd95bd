"""libfastnn by cffi: a convolution and a softmax on NumPy arrays. pip install cffi"""

import numpy as np
from cffi import FFI

import fastnn

ffi = FFI()
ffi.cdef("""
    const char *fnn_last_error(void);
    int fnn_raw_conv(int dtype, int dims, const int64_t *x_size, const int64_t *w_size,
                     const int64_t *y_size, const int64_t *stride, const int64_t *padding,
                     const int64_t *dilation, int64_t groups, const void *x, const void *w,
                     const void *bias, int relu, void *y);
    int fnn_raw_softmax(int dtype, int64_t rows, int64_t n, const void *x, int log, void *y);
""")
lib = ffi.dlopen(f"{fastnn.get_lib()}/libfastnn.so")
F32, F64 = 0, 1


def check(status):
    if status:
        raise RuntimeError(ffi.string(lib.fnn_last_error()).decode())


def conv2d(x, w, padding=0):
    """x (N, C, H, W), w (O, C, KH, KW), float32, contiguous; stride 1."""
    sizes = [n + 2 * padding - k + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    y = np.empty((len(x), len(w), *sizes), np.float32)
    check(lib.fnn_raw_conv(F32, 2, x.shape, w.shape, y.shape, [1, 1], [padding, padding], [1, 1],
                           1, ffi.from_buffer(x), ffi.from_buffer(w), ffi.NULL, 0,
                           ffi.from_buffer(y)))  # fmt: skip
    return y


def softmax(x):
    """Over the rows of a float64 matrix."""
    y = np.empty_like(x)
    check(lib.fnn_raw_softmax(F64, *x.shape, ffi.from_buffer(x), 0, ffi.from_buffer(y)))
    return y


def main():
    picture = np.zeros((1, 1, 5, 5), np.float32)
    picture[0, 0, 2, 2] = 1
    edges = np.array([[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]], np.float32)
    y = conv2d(picture, edges, padding=1)
    p = softmax(np.array([[0.0, np.log(3.0)]]))
    print(y[0, 0])
    print(p)
    return y, p


if __name__ == "__main__":
    main()
