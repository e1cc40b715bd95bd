"""max_pool, avg_pool and their adaptive forms over one to three dimensions.

Signatures are torch.nn.functional's. Channels-last input gives channels-last output. max_pool keeps
the winner's place in its window (a byte); the places in the plane are made where they are asked for.
"""

__all__ = []

cimport cython
from libc.stdint cimport int64_t

from ..fnn cimport fnn_attr
from ..door cimport attr_i, attr_ints, run1, run2, run_given
from ..tape cimport Node, record, recording
from ..tensor cimport Tensor
from .copy cimport c_clone, in_layout, suggests_last

cdef extern from "fastnn.h":
    enum:
        FNN_OP_max_pool, FNN_OP_max_pool_bwd, FNN_OP_max_pool_index
        FNN_OP_avg_pool, FNN_OP_avg_pool_bwd
        FNN_OP_adaptive_max_pool, FNN_OP_adaptive_avg_pool, FNN_OP_adaptive_avg_pool_bwd

cdef const char *MAX_NAMES[3]
cdef const char *AVG_NAMES[3]
MAX_NAMES[:] = [b"max_pool1d", b"max_pool2d", b"max_pool3d"]
AVG_NAMES[:] = [b"avg_pool1d", b"avg_pool2d", b"avg_pool3d"]


# ------------------------------------------------------------------ arguments

cdef tuple numbers(str name, str what, object v, int n):
    if isinstance(v, (tuple, list)):
        if len(v) == 1:
            v = (v[0],) * n
        if len(v) != n:
            words = ("a single int", "a tuple of two ints", "a tuple of three ints")[n - 1]
            raise RuntimeError(f"{name}: {what} must either be a single int, or {words}")
        return tuple([v[i].__index__() for i in range(n)])
    return (v.__index__(),) * n


cdef Tensor batched(str name, Tensor x, int n, bint *added):
    added[0] = x.t.ndim == n + 1
    if x.t.ndim != n + 1 and x.t.ndim != n + 2:
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 "
                           f"dim batch size for input, but got: {list(x.shape)}")
    return x.unsqueeze(0) if added[0] else x


cdef struct Window:
    int64_t n
    int64_t part[5][3]


cdef int fill(Window *w, tuple parts) except -1:
    cdef int i, d
    w.n = len(parts[0])
    for i in range(len(parts)):
        for d in range(<int>w.n):
            w.part[i][d] = (<tuple>parts[i])[d]
    return 0


# ------------------------------------------------------------------ maximum

cdef tuple c_max_pool(Tensor x, tuple parts, bint ceil, bint want_index):
    """y and, where wanted, index. parts: kernel, stride, padding, dilation. x: (N, C, ...)."""
    cdef Window w
    cdef fnn_attr attr[5]
    cdef Tensor y = Tensor.__new__(Tensor), tap = None
    cdef bint rec = recording(x)
    cdef Node n
    cdef int i
    fill(&w, parts)
    for i in range(4):
        attr[i] = attr_ints(w.part[i], w.n)
    attr[4] = attr_i(ceil)
    if rec or want_index:
        tap = Tensor.__new__(Tensor)
    run_given(FNN_OP_max_pool, [in_layout(x, suggests_last(&x.t))], [y, tap], attr)
    if rec:
        n = record(max_pool_vjp, MAX_NAMES[w.n - 1], y, x)
        n.save(0, tap)
        n.extra = (*parts, tuple(x.shape[2:]))
    return y, places(tap, (*parts, tuple(x.shape[2:]))) if want_index else None


cdef int geometry(Window *w, tuple parts, fnn_attr *attr) except -1:
    cdef int i
    fill(w, parts)
    for i in range(5):
        attr[i] = attr_ints(w.part[i], w.n)
    return 0


cdef Tensor places(Tensor tap, tuple parts):
    """int64: where in its plane of x each winner stands."""
    cdef Window w
    cdef fnn_attr attr[5]
    geometry(&w, parts, attr)
    return run1(FNN_OP_max_pool_index, tap, attr)


cdef object max_pool_vjp(Node n, object g):
    """y = x[winner];  dx[winner] += dy."""
    return c_max_pool_bwd(g, n.saved(0), n.extra)


cdef Tensor c_max_pool_bwd(Tensor g, Tensor tap, tuple parts):
    cdef Window w
    cdef fnn_attr attr[5]
    cdef Tensor dx
    cdef Node n
    geometry(&w, parts, attr)
    dx = run2(FNN_OP_max_pool_bwd, in_layout(g, suggests_last(&tap.t)), tap, attr)
    if recording(g):
        n = record(max_pool_bwd_vjp, b"max_pool_backward", dx, g)
        n.save(0, tap)
        n.extra = parts
    return dx


cdef object max_pool_bwd_vjp(Node n, object g):
    """dx[winner] += dy;  ddy = ddx[winner]."""
    cdef Tensor index = places(n.saved(0), n.extra)
    return g.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)


cdef object max_pool(str name, Tensor input, int n, kernel_size, stride, padding, dilation,
                     bint ceil_mode, bint return_indices):
    cdef bint added
    cdef Tensor y, index
    cdef Tensor x = batched(name, input, n, &added)
    cdef tuple kernel = numbers(name, "kernel_size", kernel_size, n)
    cdef tuple step = kernel if stride is None or stride == [] or stride == () \
        else numbers(name, "stride", stride, n)
    y, index = c_max_pool(x, (kernel, step, numbers(name, "padding", padding, n),
                              numbers(name, "dilation", dilation, n)), ceil_mode, return_indices)
    if added:
        y = y.squeeze(0)
        index = None if index is None else index.squeeze(0)
    return (y, index) if return_indices else y


def max_pool1d(Tensor input not None, kernel_size, stride=None, padding=0, dilation=1,
               ceil_mode=False, return_indices=False):
    """The largest of each window of kernel_size elements; padding counts as -inf, a NaN wins.

    Shapes: (N, C, L) or (C, L), L_out = floor((L + 2 padding - dilation (kernel_size - 1) - 1) /
    stride) + 1, or with ceil_mode the ceiling. return_indices: also the winners' places in L.
    Raises RuntimeError for padding above half the window, and for a window larger than the input.
    """
    return max_pool("max_pool1d", input, 1, kernel_size, stride, padding, dilation, ceil_mode,
                    return_indices)


def max_pool2d(Tensor input not None, kernel_size, stride=None, padding=0, dilation=1,
               ceil_mode=False, return_indices=False):
    """As max_pool1d over (N, C, H, W) or (C, H, W); indices are places in H W."""
    return max_pool("max_pool2d", input, 2, kernel_size, stride, padding, dilation, ceil_mode,
                    return_indices)


def max_pool3d(Tensor input not None, kernel_size, stride=None, padding=0, dilation=1,
               ceil_mode=False, return_indices=False):
    """As max_pool1d over (N, C, D, H, W) or (C, D, H, W); indices are places in D H W."""
    return max_pool("max_pool3d", input, 3, kernel_size, stride, padding, dilation, ceil_mode,
                    return_indices)


def _with_indices(function, name):
    @cython.binding(True)
    def f(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
          return_indices=False):
        return function(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{function.__name__} and the winners' places."
    return f


max_pool1d_with_indices = _with_indices(max_pool1d, "max_pool1d_with_indices")
max_pool2d_with_indices = _with_indices(max_pool2d, "max_pool2d_with_indices")
max_pool3d_with_indices = _with_indices(max_pool3d, "max_pool3d_with_indices")


# ------------------------------------------------------------------ average

cdef Tensor c_avg_pool(Tensor x, tuple parts, bint ceil, bint include_pad, int64_t divisor):
    """parts: kernel, stride, padding. x: (N, C, ...)."""
    cdef Window w
    cdef fnn_attr attr[6]
    cdef Tensor y
    cdef Node n
    cdef int i
    fill(&w, parts)
    for i in range(3):
        attr[i] = attr_ints(w.part[i], w.n)
    attr[3], attr[4], attr[5] = attr_i(ceil), attr_i(include_pad), attr_i(divisor)
    y = run1(FNN_OP_avg_pool, in_layout(x, suggests_last(&x.t)), attr)
    if recording(x):
        n = record(avg_pool_vjp, AVG_NAMES[w.n - 1], y, x)
        n.extra = (*parts, tuple(x.shape[2:]))
        n.i0, n.i1, n.i2, n.i3 = include_pad, divisor, suggests_last(&x.t), ceil
    return y


cdef object avg_pool_vjp(Node n, object g):
    """y = sum of the window / count;  dx = sum of dy / count over the windows."""
    cdef Window w
    cdef fnn_attr attr[6]
    cdef Tensor dx
    cdef Node m
    cdef int i
    fill(&w, n.extra)
    for i in range(4):
        attr[i] = attr_ints(w.part[i], w.n)
    attr[4], attr[5] = attr_i(n.i0), attr_i(n.i1)
    dx = run1(FNN_OP_avg_pool_bwd, in_layout(g, n.i2), attr)
    if recording(g):
        m = record(avg_pool_bwd_vjp, b"avg_pool_backward", dx, g)
        m.extra = n.extra
        m.i0, m.i1, m.i3 = n.i0, n.i1, n.i3
    return dx


cdef object avg_pool_bwd_vjp(Node n, object g):
    """Its adjoint is avg_pool."""
    return c_avg_pool(g, (<tuple>n.extra)[:3], n.i3, n.i0, n.i1)


cdef object avg_pool(str name, Tensor input, int n, kernel_size, stride, padding, bint ceil_mode,
                     bint count_include_pad, divisor_override):
    cdef bint added
    cdef Tensor x = batched(name, input, n, &added)
    cdef tuple kernel = numbers(name, "kernel_size", kernel_size, n)
    cdef tuple step = kernel if stride is None or stride == [] or stride == () \
        else numbers(name, "stride", stride, n)
    if divisor_override is not None and divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    cdef Tensor y = c_avg_pool(x, (kernel, step, numbers(name, "padding", padding, n)), ceil_mode,
                               count_include_pad, divisor_override or 0)
    return y.squeeze(0) if added else y


def avg_pool1d(Tensor input not None, kernel_size, stride=None, padding=0, ceil_mode=False,
               count_include_pad=True):
    """The mean of each window of kernel_size elements.

    Shapes as max_pool1d's without dilation. count_include_pad: padding counts as zeros, else means
    are over the elements inside. Raises RuntimeError as max_pool1d does.
    """
    return avg_pool("avg_pool1d", input, 1, kernel_size, stride, padding, ceil_mode,
                    count_include_pad, None)


def avg_pool2d(Tensor input not None, kernel_size, stride=None, padding=0, ceil_mode=False,
               count_include_pad=True, divisor_override=None):
    """As avg_pool1d over (N, C, H, W) or (C, H, W); divisor_override: what sums are divided by."""
    return avg_pool("avg_pool2d", input, 2, kernel_size, stride, padding, ceil_mode,
                    count_include_pad, divisor_override)


def avg_pool3d(Tensor input not None, kernel_size, stride=None, padding=0, ceil_mode=False,
               count_include_pad=True, divisor_override=None):
    """As avg_pool2d over (N, C, D, H, W) or (C, D, H, W)."""
    return avg_pool("avg_pool3d", input, 3, kernel_size, stride, padding, ceil_mode,
                    count_include_pad, divisor_override)


# ------------------------------------------------------------------ adaptive

cdef tuple wanted(str name, object output_size, Tensor x, int n):
    """output_size with None as the input's own size; x is (N, C, ...)."""
    cdef tuple size = tuple(x.shape[2:])
    if not isinstance(output_size, (tuple, list)):
        output_size = (output_size,) * n
    elif len(output_size) == 1:
        output_size = tuple(output_size) * n
    if len(output_size) != n:
        raise RuntimeError(f"{name}: output_size must have {n} elements, got {tuple(output_size)}")
    return tuple([size[i] if output_size[i] is None else output_size[i].__index__()
                  for i in range(n)])


cdef tuple tiles(Tensor x, tuple out):
    """The window that tiles x into `out`, or None."""
    cdef tuple size = tuple(x.shape[2:])
    for a, b in zip(size, out, strict=True):
        if b < 1 or a < 1 or a % b:
            return None
    return tuple([a // b for a, b in zip(size, out, strict=True)])


cdef Tensor like(Tensor y, Tensor x):
    """y in x's layout, on the tape."""
    return c_clone(y, x.t.ndim - 2) if suggests_last(&x.t) else y


cdef Tensor c_adaptive_avg(Tensor x, tuple out):
    cdef Window w
    cdef fnn_attr attr[1]
    cdef Tensor y
    cdef Node n
    fill(&w, (out,))
    attr[0] = attr_ints(w.part[0], w.n)
    y = run1(FNN_OP_adaptive_avg_pool, in_layout(x, False), attr)
    if recording(x):
        n = record(adaptive_avg_vjp, b"adaptive_avg_pool", y, x)
        n.extra = tuple(x.shape[2:])
    return y


cdef object adaptive_avg_vjp(Node n, object g):
    """y = mean of the window;  dx = sum of dy / count over the windows."""
    cdef Window w
    cdef fnn_attr attr[1]
    cdef Tensor dx
    cdef Node m
    fill(&w, (n.extra,))
    attr[0] = attr_ints(w.part[0], w.n)
    dx = run1(FNN_OP_adaptive_avg_pool_bwd, in_layout(g, False), attr)
    if recording(g):
        m = record(adaptive_avg_bwd_vjp, b"adaptive_avg_pool_backward", dx, g)
        m.extra = tuple(g.shape[2:])
    return dx


cdef object adaptive_avg_bwd_vjp(Node n, object g):
    """Its adjoint is adaptive_avg_pool."""
    return c_adaptive_avg(g, n.extra)


cdef object adaptive_avg(str name, Tensor input, output_size, int n):
    cdef bint added
    cdef Tensor x = batched(name, input, n, &added)
    cdef tuple out = wanted(name, output_size, x, n), tile = tiles(x, out), zeros = (0,) * n
    cdef Tensor y
    if tile is not None and out == (1,) * n:
        y = like(x.mean(tuple(range(2, n + 2)), keepdim=True), x)
    elif tile is not None:
        y = c_avg_pool(x, (tile, tile, zeros), False, True, 0)
    else:
        y = like(c_adaptive_avg(x, out), x)
    return y.squeeze(0) if added else y


def adaptive_avg_pool1d(Tensor input not None, output_size):
    """Means of output_size windows [floor(o L / L_out), ceil((o + 1) L / L_out)).

    Shapes: (N, C, L) or (C, L) to (N, C, output_size).
    """
    return adaptive_avg("adaptive_avg_pool1d", input, output_size, 1)


def adaptive_avg_pool2d(Tensor input not None, output_size):
    """As adaptive_avg_pool1d over (N, C, H, W); output_size: one number or two, None as it is."""
    return adaptive_avg("adaptive_avg_pool2d", input, output_size, 2)


def adaptive_avg_pool3d(Tensor input not None, output_size):
    """As adaptive_avg_pool1d over (N, C, D, H, W); output_size: one number or three."""
    return adaptive_avg("adaptive_avg_pool3d", input, output_size, 3)


cdef object adaptive_max_vjp(Node n, object g):
    """y = x[winner];  dx[winner] += dy."""
    cdef Tensor index = n.saved(0)
    cdef tuple shape = tuple(index.shape[:2]) + <tuple>n.extra
    flat = g.new_zeros(shape).flatten(2).scatter_add(2, index.flatten(2), g.flatten(2))
    return flat.reshape(shape)


cdef object adaptive_max(str name, Tensor input, output_size, int n, bint return_indices):
    cdef bint added
    cdef Tensor index = None, y
    cdef Tensor x = batched(name, input, n, &added)
    cdef tuple out = wanted(name, output_size, x, n), tile = tiles(x, out)
    cdef Window w
    cdef fnn_attr attr[1]
    cdef Node node
    if tile is not None:
        y, index = c_max_pool(x, (tile, tile, (0,) * n, (1,) * n), False, return_indices)
    else:
        fill(&w, (out,))
        attr[0] = attr_ints(w.part[0], w.n)
        y, index = Tensor.__new__(Tensor), Tensor.__new__(Tensor)
        run_given(FNN_OP_adaptive_max_pool, [in_layout(x, False)], [y, index], attr)
        if recording(x):
            node = record(adaptive_max_vjp, b"adaptive_max_pool", y, x)
            node.save(0, index)
            node.extra = tuple(x.shape[2:])
        y, index = like(y, x), like(index, x)
    if added:
        y = y.squeeze(0)
        index = None if index is None else index.squeeze(0)
    return (y, index) if return_indices else y


def adaptive_max_pool1d(Tensor input not None, output_size, return_indices=False):
    """Largest elements of output_size windows, placed as adaptive_avg_pool1d's."""
    return adaptive_max("adaptive_max_pool1d", input, output_size, 1, return_indices)


def adaptive_max_pool2d(Tensor input not None, output_size, return_indices=False):
    """As adaptive_max_pool1d over (N, C, H, W); indices are places in H W."""
    return adaptive_max("adaptive_max_pool2d", input, output_size, 2, return_indices)


def adaptive_max_pool3d(Tensor input not None, output_size, return_indices=False):
    """As adaptive_max_pool1d over (N, C, D, H, W); indices are places in D H W."""
    return adaptive_max("adaptive_max_pool3d", input, output_size, 3, return_indices)
