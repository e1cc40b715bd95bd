"""Random tensors, generators and dropout.

A generator is an int64 tensor {seed, next counter} of Philox 4x32-10; every draw is an instruction
that takes a range of its counters. So a seed gives the same bits for any number of threads, and the
same uniform numbers on every machine. The stream is not torch's.
"""

__all__ = ["Generator", "alpha_dropout", "alpha_dropout_", "bernoulli", "default_generator",
           "dropout", "dropout_", "feature_alpha_dropout", "feature_alpha_dropout_",
           "feature_dropout", "feature_dropout_", "get_rng_state", "initial_seed", "manual_seed",
           "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn",
           "randn_like", "randperm", "seed", "set_rng_state"]

import os

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint64_t

from ..convert import check_device, from_numpy
from ..door cimport attr_f, attr_i, door
from ..tape cimport Node, record, recording
from ..tensor cimport Tensor, empty_tensor
from ..views cimport check_inplace, record_inplace
from ..dtypes cimport as_dtype, default_code, dtype_of
from ..fnn cimport (FNN_BF16, FNN_BOOL, FNN_F16, FNN_F32, FNN_F64, FNN_I8, FNN_I16, FNN_I32,
                    FNN_I64, FNN_U8, fnn_attr, fnn_call, fnn_op, fnn_tensor, fnn_tensor_data,
                    fnn_tensor_numel)
from ..host import host_op
from ..tensor import register

cdef extern from "fastnn.h":
    enum:
        FNN_OP_uniform_, FNN_OP_normal_, FNN_OP_exponential_, FNN_OP_bernoulli_
        FNN_OP_random_int_, FNN_OP_randperm, FNN_OP_dropout, FNN_OP_dropout_bwd

cdef enum:
    LARGE = 4096  # elements from which the GIL is released

cdef uint64_t FIRST_SEED = 67280421310721  # a new Generator's


# ------------------------------------------------------------------ generators

cdef class Generator:
    """A stream of random numbers of its own: Generator().manual_seed(0)."""
    cdef Tensor state

    def __init__(self, device="cpu"):
        cdef int64_t two = 2
        check_device(device)
        self.state = empty_tensor(FNN_I64, 1, &two)
        self.start(FIRST_SEED)

    cdef int64_t *cell(self) noexcept:
        return <int64_t *>fnn_tensor_data(&self.state.t)

    cdef int start(self, uint64_t seed) except -1:
        self.cell()[0] = <int64_t>seed
        self.cell()[1] = 0
        return 0

    def manual_seed(self, seed):
        """Begin the stream of a seed, from -2**63 to 2**64 - 1; returns self."""
        cdef object s = int(seed)
        if not -2**63 <= s < 2**64:
            raise RuntimeError("Overflow when unpacking long long")
        self.start(<uint64_t>(s if s >= 0 else s + 0xffff_ffff_ffff_ffff))
        return self

    def seed(self):
        """Begin the stream of a seed taken from the system; returns it."""
        s = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(s)
        return s

    def initial_seed(self):
        """The seed of the stream."""
        return <uint64_t>self.cell()[0]

    def get_state(self):
        """The whole state as a uint8 tensor, for set_state."""
        return from_numpy(np.array([self.cell()[0], self.cell()[1]], np.int64).view(np.uint8))

    def set_state(self, Tensor new_state not None):
        """Continue where get_state was called."""
        state = np.asarray(new_state)
        if state.dtype != np.uint8 or state.shape != (16,):
            raise TypeError("set_state: expected a uint8 tensor of 16 elements, as get_state gives, "
                            f"got {new_state.dtype} of shape {tuple(new_state.shape)}")
        self.cell()[0], self.cell()[1] = np.ascontiguousarray(state).view(np.int64)
        return self

    def clone_state(self):
        """A generator that continues as this one does."""
        return Generator().set_state(self.get_state())

    @property
    def device(self):
        return self.state.device

    def __reduce__(self):
        return _restored, (self.get_state(),)

    def __repr__(self):
        return f"<fastnn.Generator seed={self.initial_seed()}>"


def _restored(state):
    return Generator().set_state(state)


default_generator = Generator()
default_generator.seed()
cdef Generator _default = default_generator


cdef Tensor default_state():
    return _default.state


cdef Tensor state_of(object generator):
    if generator is None:
        return _default.state
    if not isinstance(generator, Generator):
        raise TypeError(f"expected a Generator, got {type(generator).__name__}")
    return (<Generator>generator).state


def manual_seed(seed):
    """Seed the default generator; returns it."""
    return _default.manual_seed(seed)


def seed():
    """Seed the default generator from the system; returns the seed."""
    return _default.seed()


def initial_seed():
    """The seed of the default generator."""
    return _default.initial_seed()


def get_rng_state():
    """The default generator's state as a uint8 tensor."""
    return _default.get_state()


def set_rng_state(Tensor new_state not None):
    """Continue the default generator where get_rng_state was called."""
    _default.set_state(new_state)


# ------------------------------------------------------------------ drawing into a tensor

cdef int draw(fnn_op op, Tensor y, object generator, const fnn_attr *attr, Tensor p=None) except -1:
    """y[...] = a draw. Half types are drawn as float32."""
    cdef Tensor g = state_of(generator), wide
    cdef const fnn_tensor *ins[1]
    cdef fnn_tensor *outs[2]
    cdef fnn_call c
    if y.t.dtype == FNN_F16 or y.t.dtype == FNN_BF16:
        wide = empty_tensor(FNN_F32, y.t.ndim, y.t.size)
        draw(op, wide, generator, attr, p)
        y.detach().copy_(wide)
        return 0
    ins[0] = &p.t if p is not None else NULL
    outs[0] = &g.t
    outs[1] = &y.t
    c.op = op
    c.nin = op == FNN_OP_bernoulli_
    c.nout = 2
    c.ins = ins
    c.out = outs
    c.attr = attr
    door(&c, fnn_tensor_numel(&y.t) >= LARGE)
    return 0


cdef object constant_vjp(Node n, object g):
    """y[...] = random numbers;  dx = 0."""
    return None


cdef Tensor draw_into(fnn_op op, const char *name, Tensor y, object generator,
                      const fnn_attr *attr, Tensor p=None):
    """draw on a user's tensor: its history ends here."""
    cdef bint rec = recording(y)
    if rec:
        check_inplace(y)
    draw(op, y, generator, attr, p)
    if rec:
        record_inplace(constant_vjp, name, y)
    return y


def uniform_(Tensor self not None, double low=0.0, double to=1.0, *, generator=None):
    """Fill with numbers from [low, to)."""
    cdef fnn_attr attr[2]
    attr[0] = attr_f(low)
    attr[1] = attr_f(to)
    return draw_into(FNN_OP_uniform_, b"uniform", self, generator, attr)


def normal_(Tensor self not None, double mean=0.0, double std=1.0, *, generator=None):
    """Fill with numbers of the normal distribution N(mean, std**2)."""
    cdef fnn_attr attr[2]
    attr[0] = attr_f(mean)
    attr[1] = attr_f(std)
    return draw_into(FNN_OP_normal_, b"normal", self, generator, attr)


def exponential_(Tensor self not None, double lambd=1.0, *, generator=None):
    """Fill with numbers of density lambd exp(-lambd x)."""
    cdef fnn_attr attr[1]
    attr[0] = attr_f(lambd)
    return draw_into(FNN_OP_exponential_, b"exponential", self, generator, attr)


def bernoulli_(Tensor self not None, p=0.5, *, generator=None):
    """Fill with 1 with probability p (a number, or a tensor that broadcasts), else 0."""
    cdef fnn_attr attr[1]
    cdef Tensor each = p if isinstance(p, Tensor) else None
    attr[0] = attr_f(0 if each is not None else p)
    return draw_into(FNN_OP_bernoulli_, b"bernoulli", self, generator, attr, each)


cdef object last_of(int code):
    """The largest integer that random_() draws for a dtype."""
    return {FNN_F32: 2**24, FNN_F64: 2**53, FNN_F16: 2**11, FNN_BF16: 2**8, FNN_I64: 2**63 - 1,
            FNN_I32: 2**31 - 1, FNN_U8: 255, FNN_BOOL: 1, FNN_I8: 127, FNN_I16: 32767}[code]


cdef Tensor c_random_int_(Tensor y, object low, object last, object generator):
    cdef fnn_attr attr[2]
    attr[0] = attr_i(low)
    attr[1] = attr_i(last)
    return draw_into(FNN_OP_random_int_, b"random", y, generator, attr)


def random_(Tensor self not None, *args, to=None, generator=None):
    """Fill with integers: random_() of the dtype's range, random_(to), random_(low, to) from
    [low, to)."""
    if len(args) > 2 or (to is not None and len(args) > 1):
        raise TypeError(f"random_: expected at most 2 bounds, got {len(args) + (to is not None)}")
    low = args[0] if len(args) == 2 or (args and to is not None) else 0
    to = args[len(args) - 1] if args and to is None else to
    return c_random_int_(self, low, last_of(self.t.dtype) if to is None else to - 1, generator)


# ------------------------------------------------------------------ new tensors

cdef int sizes_of(object args, int64_t *out) except -1:
    """*sizes or one sequence of sizes into out; how many."""
    cdef int n = 0
    if len(args) == 1 and not isinstance(args[0], (int, Tensor)) and (
            hasattr(args[0], "__iter__")):
        args = args[0]
    if len(args) > 8:
        raise ValueError(f"{len(args)} dimensions; a tensor has at most 8")
    for a in args:
        out[n] = a
        n += 1
    return n


cdef Tensor target(object size, Tensor out, object dtype, int code, object device):
    """The tensor to fill: out, whose shape must be right, or a new one."""
    cdef int64_t s[8]
    cdef int n = sizes_of(size, s), i
    if dtype is not None:
        code = as_dtype(dtype).code
    check_device(device)
    if out is None:
        return empty_tensor(code, n, s)
    if dtype is not None and out.t.dtype != code:
        raise RuntimeError(f"expected out of dtype {dtype_of(code)}, got {out.dtype}")
    if tuple(out.shape) != tuple([s[i] for i in range(n)]):
        raise RuntimeError(f"expected out of shape {tuple([s[i] for i in range(n)])}, got "
                           f"{tuple(out.shape)}")
    return out


cdef object shape_of(tuple args, object size):
    """The sizes of f(*args) or f(size=size)."""
    if size is None:
        return args
    if args:
        raise TypeError("got the size twice")
    return (size,)


cdef Tensor finished(Tensor y, bint requires_grad):
    if requires_grad:
        y.requires_grad_(True)
    return y


def rand(*args, size=None, generator=None, Tensor out=None, dtype=None, layout=None, device=None,
         bint requires_grad=False, bint pin_memory=False):
    """Uniform numbers from [0, 1)."""
    return finished(uniform_(target(shape_of(args, size), out, dtype, default_code(), device),
                             generator=generator), requires_grad)


def randn(*args, size=None, generator=None, Tensor out=None, dtype=None, layout=None, device=None,
          bint requires_grad=False, bint pin_memory=False):
    """Numbers of the standard normal distribution."""
    return finished(normal_(target(shape_of(args, size), out, dtype, default_code(), device),
                            generator=generator), requires_grad)


cdef tuple bounds(str name, tuple args, low, high):
    """(low, high, rest) of f(high, rest...) or f(low, high, rest...)."""
    numbers = []
    for a in args:
        if isinstance(a, (tuple, list)) or len(numbers) == 2:
            break
        numbers.append(int(a))
    rest = args[len(numbers):]
    if high is not None:
        numbers = ([low] if low is not None else numbers) + [high]
    elif low is not None:
        numbers = [low] + numbers
    if not numbers:
        raise TypeError(f"{name}() needs high")
    return (0 if len(numbers) == 1 else numbers[0]), numbers[len(numbers) - 1], rest


def randint(*args, low=None, high=None, size=None, generator=None, Tensor out=None, dtype=None,
            layout=None, device=None, bint requires_grad=False, bint pin_memory=False):
    """randint(high, size) or randint(low, high, size): integers from [low, high)."""
    low, high, rest = bounds("randint", args, low, high)
    if size is None:
        if len(rest) != 1:
            raise TypeError("randint(): expected randint(low=0, high, size)")
        size = rest[0]
    if low >= high:
        raise RuntimeError("random_ expects 'from' to be less than 'to', but got "
                           f"from={low} >= to={high}")
    cdef Tensor y = target((tuple(size),), out, dtype, FNN_I64, device)
    return finished(c_random_int_(y, low, high - 1, generator), requires_grad)


def randperm(n, *, generator=None, Tensor out=None, dtype=None, layout=None, device=None,
             bint requires_grad=False, bint pin_memory=False):
    """A random permutation of 0 .. n - 1, int64 unless dtype says otherwise."""
    cdef Tensor g = state_of(generator), y = Tensor.__new__(Tensor)
    cdef fnn_tensor *outs[2]
    cdef fnn_attr attr[1]
    cdef fnn_call c
    check_device(device)
    attr[0] = attr_i(n)
    outs[0] = &g.t
    outs[1] = &y.t
    c.op = FNN_OP_randperm
    c.nin = 0
    c.nout = 2
    c.ins = NULL
    c.out = outs
    c.attr = attr
    door(&c, n >= LARGE)
    if out is not None:
        return out.copy_(y)
    if dtype is not None:
        y = y.to(dtype=dtype)
    return finished(y, requires_grad)


cdef Tensor blank_like(Tensor x, object dtype, object device, object memory_format):
    """An uninitialised tensor with x's shape and, where x is dense, strides."""
    cdef Tensor y
    check_device(device)
    if memory_format is None and x.is_contiguous():
        return empty_tensor(x.t.dtype if dtype is None else as_dtype(dtype).code, x.t.ndim, x.t.size)
    y = x.detach()
    if dtype is not None:
        y = y.to(dtype=dtype)
    return y.clone() if memory_format is None else y.clone(memory_format=memory_format)


def rand_like(Tensor input not None, *, dtype=None, layout=None, device=None,
              bint requires_grad=False, memory_format=None, generator=None):
    """Uniform numbers from [0, 1) in input's shape and dtype."""
    return finished(uniform_(blank_like(input, dtype, device, memory_format),
                             generator=generator), requires_grad)


def randn_like(Tensor input not None, *, dtype=None, layout=None, device=None,
               bint requires_grad=False, memory_format=None, generator=None):
    """Numbers of the standard normal distribution in input's shape and dtype."""
    return finished(normal_(blank_like(input, dtype, device, memory_format),
                            generator=generator), requires_grad)


def randint_like(Tensor input not None, *args, low=None, high=None, dtype=None, layout=None,
                 device=None, bint requires_grad=False, memory_format=None, generator=None):
    """randint_like(input, high) or randint_like(input, low, high): integers from [low, high)."""
    low, high, _ = bounds("randint_like", args, low, high)
    if low >= high:
        raise RuntimeError("random_ expects 'from' to be less than 'to', but got "
                           f"from={low} >= to={high}")
    cdef Tensor y = blank_like(input, dtype, device, memory_format)
    return finished(c_random_int_(y, low, high - 1, generator), requires_grad)


def normal(mean=0.0, std=1.0, size=None, *, generator=None, Tensor out=None, dtype=None,
           layout=None, device=None, bint requires_grad=False, bint pin_memory=False):
    """N(mean, std**2), each a number or a tensor; with two numbers, size gives the shape."""
    cdef Tensor y
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        if size is None:
            raise TypeError("normal(): size is needed where mean and std are numbers")
        y = target((tuple(size),), out, dtype, default_code(), device)
        return finished(normal_(y, mean, std, generator=generator), requires_grad)
    if size is not None:
        raise TypeError("normal(): size is for numbers mean and std")
    if isinstance(std, Tensor):
        if (np.asarray(std.detach()) < 0).any():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    like = mean.detach() if isinstance(mean, Tensor) else std.detach()
    scale = std.detach() if isinstance(std, Tensor) else std
    shift = mean.detach() if isinstance(mean, Tensor) else mean
    both = like + scale * 0 if isinstance(std, Tensor) else like
    y = randn(both.shape, dtype=both.dtype, generator=generator) * scale + shift
    return y if out is None else out.copy_(y)


def bernoulli(Tensor input not None, p=None, *, generator=None, Tensor out=None):
    """1 with the probability that input's element gives (or p), else 0, in input's dtype."""
    cdef Tensor y = blank_like(input, None, None, None) if out is None else out
    y = bernoulli_(y, input.detach() if p is None else p, generator=generator)
    if recording(input):
        record(constant_vjp, b"bernoulli", y, input)
    return y


def multinomial(Tensor input not None, num_samples, bint replacement=False, *, generator=None,
                Tensor out=None):
    """num_samples indices from each row of weights input (D,) or (N, D); int64.

    Without replacement by an exponential race: the indices of the largest weight / Exp(1).
    """
    cdef int n = input.t.ndim
    if n not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not dtype_of(input.t.dtype).is_floating_point:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: "
                           f"{input.dtype}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.t.size[n - 1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without "
                           "replacement")
    weights = input.detach().to(dtype=dtype_of(FNN_F64)).reshape(-1, input.t.size[n - 1])
    if replacement:
        noise = rand(len(weights), num_samples, dtype=weights.dtype, generator=generator)
    else:
        noise = exponential_(weights.new_empty(weights.shape), generator=generator)
    y = host_op("multinomial", _multinomial, weights, noise, num_samples, replacement)
    if n == 1:
        y = y.reshape(num_samples)
    return y if out is None else out.copy_(y)


def _multinomial(weights, noise, count, replacement):
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not (weights.sum(1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    return _with_replacement(weights, noise) if replacement else _without(weights, noise, count)


def _with_replacement(rows, u):
    below = np.cumsum(rows, 1)
    # the last index of positive weight: rounding must not lead past it
    top = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, 1)
    picked = [np.minimum(np.searchsorted(b, x * b[-1], side="right"), t)
              for b, x, t in zip(below, u, top)]
    return np.array(picked, np.int64)


def _without(rows, race, count):
    with np.errstate(divide="ignore"):
        key = -rows / race
    first = np.argpartition(key, count - 1, 1)[:, :count]
    order = np.argsort(np.take_along_axis(key, first, 1), 1, kind="stable")
    return np.take_along_axis(first, order, 1).astype(np.int64)


# ------------------------------------------------------------------ dropout

cdef int check_p(double p) except -1:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
    return 0


cdef Tensor c_dropout(Tensor x, double p, bint inplace):
    cdef bint rec = recording(x)
    cdef Tensor g = _default.state, y = x, used = None
    cdef const fnn_tensor *ins[1]
    cdef fnn_tensor *outs[3]
    cdef fnn_attr attr[1]
    cdef fnn_call c
    if inplace and rec:
        check_inplace(x)
    if not inplace:
        y = Tensor.__new__(Tensor)
    if rec:
        used = Tensor.__new__(Tensor)
    attr[0] = attr_f(p)
    ins[0] = &x.t
    outs[0] = &y.t
    outs[1] = &g.t
    outs[2] = &used.t if rec else NULL
    c.op = FNN_OP_dropout
    c.nin = 1
    c.nout = 3
    c.ins = ins
    c.out = outs
    c.attr = attr
    door(&c, fnn_tensor_numel(&x.t) >= LARGE)
    if rec:
        keep_mask(record_inplace(dropout_vjp, b"dropout", y) if inplace
                  else record(dropout_vjp, b"dropout", y, x), used, p)
    return y


cdef int keep_mask(Node n, Tensor used, double p) except -1:
    n.save(0, used)
    n.f0 = p
    return 0


cdef Tensor c_dropout_bwd(Tensor dy, Tensor used, double p):
    cdef Tensor dx = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[2]
    cdef fnn_tensor *outs[1]
    cdef fnn_attr attr[1]
    cdef fnn_call c
    attr[0] = attr_f(p)
    ins[0] = &dy.t
    ins[1] = &used.t
    outs[0] = &dx.t
    c.op = FNN_OP_dropout_bwd
    c.nin = 2
    c.nout = 1
    c.ins = ins
    c.out = outs
    c.attr = attr
    door(&c, fnn_tensor_numel(&dy.t) >= LARGE)
    if recording(dy):
        keep_mask(record(dropout_vjp, b"dropout_bwd", dx, dy), used, p)
    return dx


cdef object dropout_vjp(Node n, object g):
    """y = x mask / (1 - p), the mask drawn again from the saved counter;  dx = dy mask / (1 - p)."""
    return c_dropout_bwd(<Tensor>g, n.saved(0), n.f0)


def dropout(Tensor input not None, double p, bint train):
    """In training, zeroes each element with probability p and divides the others by 1 - p."""
    check_p(p)
    return input if not train or p == 0 else c_dropout(input, p, False)


def dropout_(Tensor input not None, double p, bint train):
    """dropout in place."""
    check_p(p)
    return input if not train or p == 0 else c_dropout(input, p, True)


cdef Tensor noise_of(Tensor x, double p, bint feature):
    """1 with probability 1 - p, else 0: for each element, or for each of the first two dimensions."""
    if not feature:
        return bernoulli_(blank_like(x, None, None, None), 1 - p)
    if x.t.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    cdef int64_t size[8]
    cdef int i
    for i in range(x.t.ndim):
        size[i] = x.t.size[i] if i < 2 else 1
    return bernoulli_(empty_tensor(x.t.dtype, x.t.ndim, size), 1 - p)


cdef object masked(Tensor x, double p, bint train, bint feature, bint alpha, bint inplace):
    """The kinds of dropout that are a multiplication by noise.

    alpha: dropped values become -a, and the result is scaled and shifted back to mean 0 and
    variance 1 (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515)."""
    check_p(p)
    if not train or p == 0 or fnn_tensor_numel(&x.t) == 0:
        return x
    cdef double a = 1.7580993408473766, s
    cdef object scale, shift = None
    noise = noise_of(x, p, feature)
    if p == 1:
        scale = noise
    elif alpha:
        s = 1 / sqrt((a * a * p + 1) * (1 - p))
        scale = noise * s
        shift = (noise - 1) * (a * s) + a * s * p
    else:
        scale = noise * (1 / (1 - p))
    if inplace:
        x = x.mul_(scale)
        return x if shift is None else x.add_(shift)
    y = x * scale
    return y if shift is None else y + shift


def feature_dropout(Tensor input not None, double p, bint train):
    """dropout of whole channels: input (N, C, ...), each (n, c) zeroed with probability p."""
    return masked(input, p, train, True, False, False)


def feature_dropout_(Tensor input not None, double p, bint train):
    """feature_dropout in place."""
    return masked(input, p, train, True, False, True)


def alpha_dropout(Tensor input not None, double p, bint train):
    """dropout that keeps mean 0 and variance 1, for SELU networks."""
    return masked(input, p, train, False, True, False)


def alpha_dropout_(Tensor input not None, double p, bint train):
    """alpha_dropout in place."""
    return masked(input, p, train, False, True, True)


def feature_alpha_dropout(Tensor input not None, double p, bint train):
    """alpha_dropout of whole channels."""
    return masked(input, p, train, True, True, False)


def feature_alpha_dropout_(Tensor input not None, double p, bint train):
    """feature_alpha_dropout in place."""
    return masked(input, p, train, True, True, True)


for _name, _f in dict(uniform_=uniform_, normal_=normal_, exponential_=exponential_,
                      bernoulli_=bernoulli_, random_=random_, bernoulli=bernoulli,
                      multinomial=multinomial).items():
    register(_name, _f)
