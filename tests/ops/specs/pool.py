"""Records of the poolings. References walk the windows one by one."""

import itertools
import math

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def tuple_of(v, n):
    return tuple(v) if isinstance(v, (tuple, list)) else (v,) * n


def out_size(size, kernel, stride, pad, dilation, ceil):
    room = size + 2 * pad - dilation * (kernel - 1) - 1
    out = (math.ceil(room / stride) if ceil else room // stride) + 1
    return out - 1 if ceil and (out - 1) * stride >= size + pad else out


def windows(x, n, kernel, stride, padding, dilation=1, ceil=False):
    """For each output place: per dimension the elements inside, and how many count with padding."""
    kernel = tuple_of(kernel, n)
    stride = kernel if stride is None else tuple_of(stride, n)
    pad, dil = tuple_of(padding, n), tuple_of(dilation, n)
    sizes = x.shape[-n:]
    out = [out_size(*a, ceil) for a in zip(sizes, kernel, stride, pad, dil, strict=True)]
    for place in itertools.product(*[range(o) for o in out]):
        inside, counted = [], 1
        for d in range(n):
            at = place[d] * stride[d] - pad[d]
            counted *= min(at + kernel[d], sizes[d] + pad[d]) - at
            inside.append([i for k in range(kernel[d])
                           if 0 <= (i := at + k * dil[d]) < sizes[d]])
        yield out, place, inside, counted


def gather(x, n, inside):
    """x's elements in a window, along a last axis, and their places in the plane."""
    grid = np.ix_(*inside)
    part = x[(..., *grid)].reshape(*x.shape[:-n], -1)
    places = np.ravel_multi_index(np.meshgrid(*inside, indexing="ij"), x.shape[-n:]).ravel()
    return part, places


def max_pool(n):
    def f(x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        y = index = None
        for out, place, inside, _ in windows(x, n, kernel, stride, padding, dilation, ceil_mode):
            part, places = gather(x, n, inside)
            if y is None:
                y = np.empty((*x.shape[:-n], *out))
                index = np.empty(y.shape, np.int64)
            won = part.argmax(-1)
            y[(..., *place)] = np.take_along_axis(part, won[..., None], -1)[..., 0]
            index[(..., *place)] = places[won]
        return (y, index) if return_indices else y
    return f


def avg_pool(n):
    def f(x, kernel, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
          divisor_override=None):
        y = None
        for out, place, inside, counted in windows(x, n, kernel, stride, padding, 1, ceil_mode):
            part, _ = gather(x, n, inside)
            if y is None:
                y = np.empty((*x.shape[:-n], *out))
            count = counted if count_include_pad else part.shape[-1]
            y[(..., *place)] = part.sum(-1) / (divisor_override or count)
        return y
    return f


def adaptive(n, largest):
    def f(x, output_size, return_indices=False):
        sizes = x.shape[-n:]
        out = [s if o is None else o for s, o in zip(sizes, tuple_of(output_size, n), strict=True)]
        y = np.empty((*x.shape[:-n], *out))
        index = np.empty(y.shape, np.int64)
        for place in itertools.product(*[range(o) for o in out]):
            inside = [list(range(p * s // o, -(-(p + 1) * s // o)))
                      for p, s, o in zip(place, sizes, out, strict=True)]
            part, places = gather(x, n, inside)
            y[(..., *place)] = part.max(-1) if largest else part.mean(-1)
            index[(..., *place)] = places[part.argmax(-1)]
        return (y, index) if return_indices else y
    return f


def lp_pool(n):
    average = avg_pool(n)

    def f(x, p, kernel, stride=None, ceil_mode=False):
        count = math.prod(tuple_of(kernel, n))
        return (average(x**p, kernel, stride, 0, ceil_mode) * count) ** (1 / p)
    return f


SHAPES = {1: [(2, 3, 11), (3, 8), (1, 1, 130)],
          2: [(2, 3, 7, 9), (3, 6, 8), (1, 2, 5, 70), (2, 1, 8, 8), (1, 17, 6, 6)],
          3: [(2, 2, 4, 5, 6), (2, 4, 4, 4)]}
WINDOWS = [(2, None, 0, 1, False), (3, 1, 1, 1, False), (3, 2, 1, 1, True), (2, 3, 1, 1, True),
           (2, 1, 0, 2, False), (3, 2, 0, 1, True)]
UNEVEN = {1: ((3,), (2,), (1,)), 2: ((3, 2), (2, 1), (1, 0)), 3: ((2, 3, 2), (1, 2, 3), (0, 1, 1))}


def apart(shape):
    """Values far enough from each other that differences see no change of winner."""
    size = math.prod(shape)
    order = np.random.default_rng(size).permutation(size)
    return Arg(shape, values=(order.reshape(shape) * 0.37 - size * 0.1))


def max_samples(n):
    samples = [Sample((apart(s), *w)) for s in SHAPES[n] for w in WINDOWS
               if min(s[-n:]) > w[3] * (w[0] - 1)]
    samples += [Sample((apart(SHAPES[n][0]), *UNEVEN[n])),
                Sample((apart(SHAPES[n][0]), 2, 2, 0, 1, False, True)),
                Sample((Arg(SHAPES[n][0], values=np.zeros(SHAPES[n][0])), 2, 1, 1, 1, False, True),
                       smooth=False),
                Sample((Arg(SHAPES[n][0], values=np.full(SHAPES[n][0], -np.inf)), 3, 2, 1, 1, False,
                        True), smooth=False)]
    return samples


def avg_samples(n):
    return ([Sample((Arg(s), *w[:3], w[4], include)) for s in SHAPES[n] for w in WINDOWS
             if w[3] == 1 and min(s[-n:]) >= w[0] for include in (True, False)]
            + [Sample((Arg(SHAPES[n][0]), *UNEVEN[n]))]
            + ([Sample((Arg(SHAPES[n][0]), 3, 2, 1, True, False, 5))] if n > 1 else []))


def adaptive_samples(n, largest):
    make = apart if largest else Arg
    sizes = [1, 2, 3, 5] + ([(None, 3)] if n == 2 else [(2, 1, 3)] if n == 3 else [])
    samples = [Sample((make(s), o)) for s in SHAPES[n] for o in sizes]
    return samples + ([Sample((make(SHAPES[n][0]), o, True)) for o in (1, 3)] if largest else [])


def records(n):
    x = np.zeros((1, 2, *[4] * n))
    refused = [Error((x, 2, 1, 2), RuntimeError, "pad should be at most half"),
               Error((x, 5), RuntimeError, "Output size is too small"),
               Error((x, 2, 0), RuntimeError, "stride should be greater than zero"),
               Error((x, 0), RuntimeError, "kernel size should be greater than zero"),
               Error((np.zeros(3), 2), RuntimeError, "Expected"),
               Error((x, (2,) * (n + 1)), RuntimeError, "must either be a single int"),
               Error((x.astype("i8"), 2), RuntimeError, "not implemented")]
    f = "nn.functional."
    return [
        Spec(f"max_pool{n}d", f"{f}max_pool{n}d", max_pool(n), max_samples(n), ulp=0,
             errors=[*refused, Error((x, 2, 1, 0, 0), RuntimeError, "dilation should be greater")]),
        Spec(f"avg_pool{n}d", f"{f}avg_pool{n}d", avg_pool(n), avg_samples(n), ulp=16, floor=2.0,
             errors=refused),
        Spec(f"adaptive_avg_pool{n}d", f"{f}adaptive_avg_pool{n}d", adaptive(n, False),
             adaptive_samples(n, False), ulp=32, floor=2.0,
             errors=[Error((x, -1), RuntimeError, "output_size")]),
        Spec(f"adaptive_max_pool{n}d", f"{f}adaptive_max_pool{n}d", adaptive(n, True),
             adaptive_samples(n, True), ulp=0,
             errors=[Error((x, -1), RuntimeError, "output_size")]),
        Spec(f"lp_pool{n}d", f"{f}lp_pool{n}d", lp_pool(n),
             [Sample((Arg(s, 0.5, 2.0), 2.0, 2)) for s in SHAPES[n]]
             + [Sample((Arg(SHAPES[n][0], 0.5, 2.0), 3.0, 2, 1, True))], ulp=64, floor=2.0),
    ]


def unpool(n):
    def f(x, index, kernel, stride=None, padding=0, output_size=None):
        step, pad = tuple_of(stride or kernel, n), tuple_of(padding, n)
        size = [(x.shape[-n + d] - 1) * step[d] + tuple_of(kernel, n)[d] - 2 * pad[d]
                for d in range(n)] if output_size is None else list(output_size)[-n:]
        y = np.zeros((*x.shape[:-n], math.prod(size)))
        np.put_along_axis(y, index.reshape(*x.shape[:-n], -1), x.reshape(*x.shape[:-n], -1), -1)
        return y.reshape(*x.shape[:-n], *size)
    return f


def places(lead, small, kernel):
    """Indices as max_pool with stride = kernel names them, one in each window."""
    rng = np.random.default_rng(3)
    shape = (*lead, *small)
    at = [np.arange(s).reshape([-1 if i == d else 1 for i in range(len(small))]) * kernel
          + rng.integers(0, kernel, shape) for d, s in enumerate(small)]
    return np.ravel_multi_index(at, [s * kernel for s in small])


SPECS = [spec for n in (1, 2, 3) for spec in records(n)] + [
    Spec(f"max_unpool{n}d", f"nn.functional.max_unpool{n}d", unpool(n),
         [Sample((Arg((2, 3, *[3] * n)),
                  Arg(dtype="int64", values=places((2, 3), [3] * n, 2)), 2)),
          Sample((Arg((2, *[2] * n)), Arg(dtype="int64", values=places((2,), [2] * n, 3)), 3,
                  None, 0, [6] * n))],
         ulp=0, errors=[
             Error((np.zeros((1, 1, *[2] * n)), np.full((1, 1, *[2] * n), 99), 2), RuntimeError,
                   "invalid index"),
             Error((np.zeros((1, 1, *[2] * n)), np.zeros((1, 1, *[3] * n), "i8"), 2), RuntimeError,
                   "expected shape of indices"),
             Error((np.zeros((1, 1, *[2] * n)), np.zeros((1, 1, *[2] * n), "i8"), 2, 2, 0, [9] * n),
                   ValueError, "invalid output_size")])
    for n in (1, 2, 3)]
