"""scaled_dot_product_attention.

A derivative is one instruction; under create_graph, and where the mask itself wants a gradient, the
whole is composed of differentiable ops instead.
"""

__all__ = []

from libc.math cimport sqrt
from libc.stdint cimport int64_t

from ..fnn cimport FNN_BOOL, fnn_attr, fnn_call, fnn_tensor
from ..door cimport attr_f, attr_i, door
from ..tape cimport Node, attach, make_node, recording3, recording_any
from ..tensor cimport Tensor, ctx, is_float
from .random cimport default_state
from .softmax cimport plain

from math import prod

cdef extern from "fastnn.h":
    enum:
        FNN_OP_attention, FNN_OP_attention_bwd

cdef enum:
    GIL_WORK = 100000  # multiply-adds above which other Python threads may run meanwhile


cdef Tensor rows(Tensor x):
    """x, or a copy of it with contiguous rows that is not on the tape."""
    cdef int last = x.t.ndim - 1
    return x if x.t.stride[last] == 1 or x.t.size[last] == 1 else plain(x)


cdef bint work(Tensor q, Tensor k) noexcept:
    return (q.t.size[0] * q.t.size[1] * q.t.size[2] * k.t.size[2] * (q.t.size[3] + 1)) > GIL_WORK


cdef Tensor attend(Tensor query, Tensor key, Tensor value, Tensor mask, double p, bint causal,
                   double scale):
    """The instruction, of operands with 4 dimensions, and its node."""
    cdef bint rec = recording3(query, key, value)
    cdef Tensor y = Tensor.__new__(Tensor), lse = Tensor.__new__(Tensor)
    cdef Tensor q = rows(query), k = rows(key), v = rows(value)
    cdef Tensor used = Tensor.__new__(Tensor) if rec and p > 0 else None
    cdef const fnn_tensor *ins[4]
    cdef fnn_tensor *outs[4]
    cdef fnn_attr attr[3]
    cdef fnn_call c
    cdef Node n
    ins[0], ins[1], ins[2] = &q.t, &k.t, &v.t
    ins[3] = NULL if mask is None else &mask.t
    outs[0], outs[1] = &y.t, &lse.t
    outs[2] = &default_state().t if p > 0 else NULL
    outs[3] = NULL if used is None else &used.t
    attr[0], attr[1], attr[2] = attr_f(scale), attr_i(causal), attr_f(p)
    c.op, c.nin, c.nout = FNN_OP_attention, 4, 4
    c.ins, c.out, c.attr = ins, outs, attr
    door(&c, work(q, k))
    if rec:
        n = make_node(attention_vjp, b"scaled_dot_product_attention", 3)
        n.set_edge(0, query)
        n.set_edge(1, key)
        n.set_edge(2, value)
        attach(n, y, 0)
        n.save_out(0, y)
        n.save(1, query)
        n.save(2, key)
        n.save(3, value)
        n.save(4, mask)
        n.save(5, lse)
        n.save(6, used)
        n.i0, n.f0, n.f1 = causal, scale, p
    return y


cdef object attention_vjp(Node n, object g):
    """P = softmax(scale Q K^T + mask), Y = P V;  dV = P^T dY,  dS = P (dY V^T - sum dY Y),
    dQ = scale dS K,  dK = scale dS^T Q."""
    cdef Tensor q = n.saved(1), k = n.saved(2), v = n.saved(3), mask = n.saved(4)
    cdef Tensor lse = n.saved(5), used = n.saved(6), y, dy
    cdef Tensor dq = None, dk = None, dv = None
    cdef const fnn_tensor *ins[8]
    cdef fnn_tensor *outs[3]
    cdef fnn_attr attr[3]
    cdef fnn_call c
    if ctx().grad_mode:
        if used is not None:
            raise NotImplementedError("scaled_dot_product_attention: no second derivative with "
                                      "dropout_p > 0")
        return composed_vjp(n, g, q, k, v, mask)
    y, dy, q, k, v = n.saved(0), rows(g), rows(q), rows(k), rows(v)
    if n.needs(0):
        dq = Tensor.__new__(Tensor)
    if n.needs(1):
        dk = Tensor.__new__(Tensor)
    if n.needs(2):
        dv = Tensor.__new__(Tensor)
    ins[0], ins[1], ins[2], ins[3], ins[4], ins[5] = &dy.t, &q.t, &k.t, &v.t, &y.t, &lse.t
    ins[6] = NULL if mask is None else &mask.t
    ins[7] = NULL if used is None else &used.t
    outs[0] = NULL if dq is None else &dq.t
    outs[1] = NULL if dk is None else &dk.t
    outs[2] = NULL if dv is None else &dv.t
    attr[0], attr[1], attr[2] = attr_f(n.f0), attr_i(n.i0), attr_f(n.f1)
    c.op, c.nin, c.nout = FNN_OP_attention_bwd, 8, 3
    c.ins, c.out, c.attr = ins, outs, attr
    door(&c, work(q, k))
    return dq, dk, dv


# ------------------------------------------------------------------ composed of other ops

cdef object weights(object q, object k, object mask, bint causal, double scale):
    """softmax(scale Q K^T + mask); rows that see no key are 0."""
    s = (q * scale).matmul(k.transpose(-2, -1))
    if causal:
        s = s.masked_fill(~seen(q, k), float("-inf"))
    if mask is None:
        return s.softmax(-1)
    if (<Tensor>mask).t.dtype == FNN_BOOL:
        s = s.masked_fill(~mask, float("-inf"))
    else:
        s = s + mask
    blind = (s == float("-inf")).all(-1, keepdim=True)
    return s.masked_fill(blind, 0.0).softmax(-1).masked_fill(blind, 0.0)


cdef object seen(object q, object k):
    """Lower triangle: query i sees the keys up to i."""
    from fastnn._core.ops import arange
    return arange(k.shape[-2]) <= arange(q.shape[-2]).unsqueeze(1)


cdef object repeated(object x, int64_t share):
    return x if share == 1 else x.repeat_interleave(share, 1)


cdef object shared(object dx, Tensor x, int64_t share):
    """The gradient of x from that of x repeated."""
    if share == 1:
        return dx
    b, g, t, e = x.shape
    return dx.reshape(b, g, share, t, e).sum(2)


cdef object composed_vjp(Node n, object g, Tensor q, Tensor k, Tensor v, Tensor mask):
    cdef int64_t share = q.t.size[1] // k.t.size[1] if k.t.size[1] else 1
    keys, values = repeated(k, share), repeated(v, share)
    p = weights(q, keys, mask, n.i0, n.f0)
    dp = g.matmul(values.transpose(-2, -1))
    ds = p * (dp - (dp * p).sum(-1, keepdim=True)) * n.f0
    return (ds.matmul(keys) if n.needs(0) else None,
            shared(ds.transpose(-2, -1).matmul(q), k, share) if n.needs(1) else None,
            shared(p.transpose(-2, -1).matmul(g), v, share) if n.needs(2) else None)


# ------------------------------------------------------------------ the function

cdef int check(Tensor q, Tensor k, Tensor v, Tensor mask, bint causal) except -1:
    if not (is_float(q) and q.t.dtype == k.t.dtype and q.t.dtype == v.t.dtype):
        raise RuntimeError("Expected query, key, and value to have the same dtype, float32 or "
                           f"float64, but got query.dtype: {q.dtype} key.dtype: {k.dtype} and "
                           f"value.dtype: {v.dtype} instead.")
    if q.t.ndim < 2 or k.t.ndim < 2 or v.t.ndim < 2:
        raise RuntimeError("Expected query, key, and value to all be at least 2 dimensional, but "
                           f"got query.dim(): {q.t.ndim}, key.dim(): {k.t.ndim} and value.dim(): "
                           f"{v.t.ndim} instead.")
    if mask is not None and causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set "
                           "when is_causal=True")
    if mask is not None and mask.t.dtype != FNN_BOOL and mask.t.dtype != q.t.dtype:
        raise RuntimeError("Expected attn_mask dtype to be bool or to match query dtype, but got "
                           f"attn_mask.dtype: {mask.dtype} and query.dtype: {q.dtype} instead.")
    return 0


cdef object broadcast(list shapes):
    """The common shape of some leading dimensions."""
    n = max(len(s) for s in shapes)
    out = [1] * n
    for s in shapes:
        for i, size in enumerate(reversed(s)):
            if size != 1 and out[n - 1 - i] not in (1, size):
                raise RuntimeError("scaled_dot_product_attention: leading dimensions "
                                   f"{', '.join(map(str, map(tuple, shapes)))} do not broadcast")
            if size != 1:
                out[n - 1 - i] = size
    return out


def scaled_dot_product_attention(Tensor query not None, Tensor key not None,
                                 Tensor value not None, Tensor attn_mask=None,
                                 double dropout_p=0.0, bint is_causal=False, *, scale=None,
                                 bint enable_gqa=False):
    """softmax(scale Q K^T + mask) V over the last two dimensions.

    Shapes: query (N, ..., Hq, L, E), key (N, ..., H, S, E), value (N, ..., H, S, Ev), result
    (N, ..., Hq, L, Ev); the heads of key and value are repeated Hq / H times where enable_gqa.
    attn_mask broadcasts to (N, ..., Hq, L, S): boolean, True where a key may be looked at, or added
    to the scores. is_causal: query i sees keys 0..i. scale: 1 / sqrt(E) by default. dropout_p drops
    weights whenever it is not 0. A query that sees no key gives 0.

    No L x S matrix is ever in memory (Dao et al. 2022, https://arxiv.org/abs/2205.14135), but for
    second derivatives and for the gradient of a mask. Raises RuntimeError where shapes or dtypes do
    not go together.
    """
    cdef double by = scale if scale is not None else \
        1 / sqrt(<double>max(1, query.t.size[query.t.ndim - 1]))
    cdef Tensor y
    check(query, key, value, attn_mask, is_causal)
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if attn_mask is not None and recording_any([attn_mask]):
        return with_mask_gradient(query, key, value, attn_mask, dropout_p, by, enable_gqa)
    if query.t.ndim == 4 and key.t.ndim == 4 and value.t.ndim == 4 and \
            query.t.size[0] == key.t.size[0] == value.t.size[0] and \
            (enable_gqa or query.t.size[1] == key.t.size[1] == value.t.size[1]):
        return attend(query, key, value, attn_mask, dropout_p, is_causal, by)
    return of_any_rank(query, key, value, attn_mask, dropout_p, is_causal, by, enable_gqa)


cdef object of_any_rank(Tensor query, Tensor key, Tensor value, Tensor mask, double p, bint causal,
                        double scale, bint gqa):
    """Leading dimensions are broadcast and made one."""
    cdef int own = 3 if gqa else 2  # dimensions of each tensor's own
    shapes = [x.shape[:-own] for x in (query, key, value)]
    if mask is not None:
        shapes.append(mask.shape[:-own])
    lead = broadcast(shapes)
    batch, heads = (lead, []) if gqa else (lead[:-1], lead[-1:] or [1])

    def flat(x):
        x = x.expand([*lead, *x.shape[-own:]])
        return x.reshape([prod(batch), *heads, *x.shape[-own:]])

    if mask is not None and mask.t.ndim > 3:
        mask = mask.expand([*batch, *mask.shape[-3:]]).reshape([prod(batch), *mask.shape[-3:]])
    y = attend(flat(query), flat(key), flat(value), mask, p, causal, scale)
    return y.reshape([*lead, *y.shape[-own:]])


cdef object with_mask_gradient(Tensor q, Tensor k, Tensor v, Tensor mask, double p, double scale,
                               bint gqa):
    from fastnn._core.ops import dropout
    keys, values = k, v
    if gqa and q.t.ndim > 2:
        share = q.shape[-3] // k.shape[-3]
        keys, values = k.repeat_interleave(share, -3), v.repeat_interleave(share, -3)
    return dropout(weights(q, keys, mask, False, scale), p, True).matmul(values)
