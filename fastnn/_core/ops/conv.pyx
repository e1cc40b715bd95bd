"""conv1d to conv3d and conv_transpose1d to conv_transpose3d. Signatures are torch.nn.functional's.

conv, conv_transpose and conv_bwd_w are linear in both operands, and the derivatives of each are
the other two; so every order of derivative is made of the three.
"""

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
           "conv_transpose3d"]

from libc.stdint cimport int64_t

from ..fnn cimport fnn_attr
from ..door cimport attr_i, attr_ints, run2, run3
from ..tape cimport Node, record, recording2, recording3
from ..tensor cimport Tensor
from .shape import constant_pad_nd
from .softmax cimport plain

cdef extern from "fastnn.h":
    enum:
        FNN_OP_conv, FNN_OP_conv_transpose, FNN_OP_conv_bwd_w


cdef class Window:
    """Stride, padding and dilation per spatial dimension, and the number of groups."""
    cdef int nd
    cdef int64_t stride[3]
    cdef int64_t padding[3]
    cdef int64_t dilation[3]
    cdef int64_t groups

    cdef int put(self, fnn_attr *attr) noexcept:
        attr[0] = attr_ints(self.stride, self.nd)
        attr[1] = attr_ints(self.padding, self.nd)
        attr[2] = attr_ints(self.dilation, self.nd)
        attr[3] = attr_i(self.groups)
        return 0

    cdef int64_t least(self, int d, int64_t windows, int64_t kernel) noexcept:
        """Of the sizes that have so many windows, the smallest."""
        return ((windows - 1) * self.stride[d] - 2 * self.padding[d] +
                self.dilation[d] * (kernel - 1) + 1)


cdef Tensor plain_weight(Tensor w):
    """Taps at equal distances: contiguous, or channels last."""
    cdef int64_t expect = 0
    cdef int d
    for d in range(w.t.ndim - 1, 1, -1):
        if w.t.size[d] == 1:
            continue
        if expect and w.t.stride[d] != expect:
            return plain(w)
        expect = w.t.stride[d] * w.t.size[d]
    return w


cdef Tensor c_conv(Tensor x, Tensor w, Tensor b, Window win):
    cdef fnn_attr attr[5]
    cdef Tensor y
    cdef Node n
    win.put(attr)
    attr[4] = attr_i(0)
    y = run3(FNN_OP_conv, x, plain_weight(w), None if b is None else plain(b), attr)
    if recording3(x, w, b):
        n = record(conv_vjp, b"convolution", y, x, w, b)
        n.save(0, x if n.needs(1) else None)
        n.save(1, w if n.needs(0) else None)
        remember(n, win, x, w)
    return y


cdef int remember(Node n, Window win, Tensor x, Tensor w) except -1:
    """With the spatial sizes that derivatives have to come back to."""
    cdef int d
    n.extra = (win, [x.t.size[d + 2] for d in range(win.nd)],
               [w.t.size[d + 2] for d in range(win.nd)])
    return 0


cdef object sum_bias(Tensor g):
    return g.sum([0, *range(2, g.t.ndim)])


cdef object conv_vjp(Node n, object g):
    """y = conv(x, w) + b;  dx = conv_transpose(dy, w), dw = conv_bwd_w(dy, x), db = sum dy."""
    cdef Window win = (<tuple>n.extra)[0]
    size, kernel = (<tuple>n.extra)[1:]
    dx = dw = None
    if n.needs(0):
        dx = c_conv_transpose(g, n.saved(1), None, win, size, kernel)
    if n.needs(1):
        dw = c_conv_bwd_w(g, n.saved(0), kernel, win)
    return dx, dw, sum_bias(g) if n.needs(2) else None


cdef Tensor c_conv_transpose(Tensor x, Tensor w, Tensor b, Window win, list size, list kernel):
    """The one of this size: what exceeds the smallest goes on at the end."""
    cdef fnn_attr attr[6]
    cdef int64_t extra[3]
    cdef Tensor y
    cdef Node n
    cdef int d
    for d in range(win.nd):
        extra[d] = size[d] - win.least(d, x.t.size[d + 2], kernel[d])
    win.put(attr)
    attr[4] = attr_i(0)
    attr[5] = attr_ints(extra, win.nd)
    y = run3(FNN_OP_conv_transpose, x, plain_weight(w), None if b is None else plain(b), attr)
    if recording3(x, w, b):
        n = record(conv_transpose_vjp, b"convolution", y, x, w, b)
        n.save(0, x if n.needs(1) else None)
        n.save(1, w if n.needs(0) else None)
        remember(n, win, x, w)
    return y


cdef object conv_transpose_vjp(Node n, object g):
    """y = conv_transpose(x, w) + b;  dx = conv(dy, w), dw = conv_bwd_w(x, dy), db = sum dy."""
    cdef Window win = (<tuple>n.extra)[0]
    cdef Tensor dy = g, dx = None, dw = None
    cdef int d
    size, kernel = (<tuple>n.extra)[1:]
    # output_padding that reaches a whole stride: y has room for more windows than x has pixels
    more = [(dy.t.size[d + 2] - win.least(d, size[d], kernel[d])) // win.stride[d]
            for d in range(win.nd)]
    if n.needs(0):
        dx = c_conv(dy, n.saved(1), None, win)
        for d in range(win.nd):
            dx = dx.narrow(d + 2, 0, size[d]) if more[d] else dx
    if n.needs(1):
        x = n.saved(0)
        if any(more):
            x = constant_pad_nd(x, [p for m in reversed(more) for p in (0, m)])
        dw = c_conv_bwd_w(x, dy, kernel, win)
    return dx, dw, sum_bias(dy) if n.needs(2) else None


cdef Tensor c_conv_bwd_w(Tensor dy, Tensor x, list kernel, Window win):
    cdef fnn_attr attr[5]
    cdef int64_t taps[3]
    cdef Tensor dw
    cdef Node n
    cdef int d
    for d in range(win.nd):
        taps[d] = kernel[d]
    attr[0] = attr_ints(taps, win.nd)
    win.put(attr + 1)
    dw = run2(FNN_OP_conv_bwd_w, dy, x, attr)
    if recording2(dy, x):
        n = record(conv_bwd_w_vjp, b"convolution_backward", dw, dy, x)
        n.save(0, dy if n.needs(1) else None)
        n.save(1, x if n.needs(0) else None)
        remember(n, win, x, dw)
    return dw


cdef object conv_bwd_w_vjp(Node n, object g):
    """dw = conv_bwd_w(dy, x);  ddy = conv(x, g), dx = conv_transpose(dy, g)."""
    cdef Window win = (<tuple>n.extra)[0]
    size, kernel = (<tuple>n.extra)[1:]
    ddy = dx = None
    if n.needs(0):
        ddy = c_conv(n.saved(1), g, None, win)
    if n.needs(1):
        dx = c_conv_transpose(n.saved(0), g, None, win, size, kernel)
    return ddy, dx


# ------------------------------------------------------------------ what torch calls them

cdef int expand(const char *what, object value, int nd, int64_t *out) except -1:
    """One number for all dimensions, or one for each."""
    cdef int d
    given = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(given) != 1 and len(given) != nd:
        raise RuntimeError(f"expected {what.decode()} to be a single integer value or a list of "
                           f"{nd} values to match the convolution dimensions, but got "
                           f"{what.decode()}={given}")
    for d in range(nd):
        out[d] = given[d if len(given) > 1 else 0]
    return 0


cdef Window window(int nd, stride, padding, dilation, groups):
    cdef Window win = Window.__new__(Window)
    win.nd = nd
    win.groups = groups
    expand(b"stride", stride, nd, win.stride)
    expand(b"padding", padding, nd, win.padding)
    expand(b"dilation", dilation, nd, win.dilation)
    return win


cdef Tensor batched(str name, Tensor x, Tensor w, int nd):
    if x.t.ndim == nd + 1:
        x = x.unsqueeze(0)
    if x.t.ndim != nd + 2:
        raise RuntimeError(f"Expected {nd + 1}D (unbatched) or {nd + 2}D (batched) input to "
                           f"{name}, but got input of size: {list(x.shape)}")
    if w.t.ndim != nd + 2:
        raise RuntimeError(f"{name}: expected a weight of {nd + 2} dimensions, but got one of "
                           f"size: {list(w.shape)}")
    return x


cdef tuple same_padding(Tensor x, Tensor w, int nd, stride, dilation):
    """(x, padding) so that there are as many outputs as inputs; an odd one goes to the end."""
    cdef int64_t step[3]
    cdef int64_t dil[3]
    cdef int d
    expand(b"stride", stride, nd, step)
    expand(b"dilation", dilation, nd, dil)
    if any([step[d] != 1 for d in range(nd)]):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [dil[d] * (w.t.size[d + 2] - 1) for d in range(nd)]
    odd = [t % 2 for t in total]
    if any(odd):
        x = constant_pad_nd(x, [p for o in reversed(odd) for p in (0, o)])
    return x, [t // 2 for t in total]


cdef Tensor conv(str name, int nd, Tensor x, Tensor w, Tensor b, stride, padding, dilation, groups):
    cdef Tensor given = batched(name, x, w, nd), y
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        given, padding = (same_padding(given, w, nd, stride, dilation) if padding == "same"
                          else (given, 0))
    y = c_conv(given, w, b, window(nd, stride, padding, dilation, groups))
    return y if x.t.ndim == nd + 2 else y.squeeze(0)


cdef Tensor conv_transpose(str name, int nd, Tensor x, Tensor w, Tensor b, stride, padding,
                           output_padding, groups, dilation):
    cdef Tensor given = batched(name, x, w, nd), y
    cdef Window win = window(nd, stride, padding, dilation, groups)
    cdef int64_t more[3]
    cdef int d
    expand(b"output_padding", output_padding, nd, more)
    kernel = [w.t.size[d + 2] for d in range(nd)]
    size = [win.least(d, given.t.size[d + 2], kernel[d]) + more[d] for d in range(nd)]
    y = c_conv_transpose(given, w, b, win, size, kernel)
    return y if x.t.ndim == nd + 2 else y.squeeze(0)


def conv1d(Tensor input not None, Tensor weight not None, Tensor bias=None, stride=1, padding=0,
           dilation=1, groups=1):
    """y[n, o, q] = b[o] + sum over c, t of w[o, c, t] x[n, c, q*stride - padding + t*dilation].

    input (N, C, L) or (C, L), weight (O, C/groups, K), bias (O). padding may be "valid" (none) or
    "same" (as many outputs as inputs). Raises RuntimeError where shapes do not go together.
    """
    return conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(Tensor input not None, Tensor weight not None, Tensor bias=None, stride=1, padding=0,
           dilation=1, groups=1):
    """conv1d over two dimensions: input (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW)."""
    return conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(Tensor input not None, Tensor weight not None, Tensor bias=None, stride=1, padding=0,
           dilation=1, groups=1):
    """conv1d over three dimensions: input (N, C, D, H, W), weight (O, C/groups, KD, KH, KW)."""
    return conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(Tensor input not None, Tensor weight not None, Tensor bias=None, stride=1,
                     padding=0, output_padding=0, groups=1, dilation=1):
    """conv1d's derivative to its input: pixel r adds w x[r] to outputs r*stride - padding + t*d.

    input (N, C, L) or (C, L), weight (C, O/groups, K), bias (O); the output is (L - 1) stride -
    2 padding + dilation (K - 1) + 1 + output_padding long. Raises RuntimeError where shapes do
    not go together or output_padding reaches stride and dilation.
    """
    return conv_transpose("conv_transpose1d", 1, input, weight, bias, stride, padding,
                          output_padding, groups, dilation)


def conv_transpose2d(Tensor input not None, Tensor weight not None, Tensor bias=None, stride=1,
                     padding=0, output_padding=0, groups=1, dilation=1):
    """conv_transpose1d over two dimensions: weight (C, O/groups, KH, KW)."""
    return conv_transpose("conv_transpose2d", 2, input, weight, bias, stride, padding,
                          output_padding, groups, dilation)


def conv_transpose3d(Tensor input not None, Tensor weight not None, Tensor bias=None, stride=1,
                     padding=0, output_padding=0, groups=1, dilation=1):
    """conv_transpose1d over three dimensions: weight (C, O/groups, KD, KH, KW)."""
    return conv_transpose("conv_transpose3d", 3, input, weight, bias, stride, padding,
                          output_padding, groups, dilation)
