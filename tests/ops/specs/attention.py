"""Record of scaled_dot_product_attention."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def attention(q, k, v, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        share = q.shape[-3] // k.shape[-3]
        k, v = np.repeat(k, share, -3), np.repeat(v, share, -3)
    s = q @ np.swapaxes(k, -2, -1) * (scale or 1 / np.sqrt(q.shape[-1]))
    if is_causal:
        s = np.where(np.tri(*s.shape[-2:], dtype=bool), s, -np.inf)
    if attn_mask is not None:
        s = np.where(attn_mask, s, -np.inf) if attn_mask.dtype == bool else s + attn_mask
    top = s.max(-1, keepdims=True, initial=-np.inf)
    e = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = e.sum(-1, keepdims=True)
    return e / np.where(total == 0, 1, total) @ v


def qkv(lead, t, s, e, ev=None, groups=None):
    kv = lead if groups is None else (*lead[:-1], groups)
    return Arg((*lead, t, e)), Arg((*kv, s, e)), Arg((*kv, s, ev or e))


def boolean(*shape):
    return Arg(shape, dtype="bool")


def added(*shape):
    return Arg(shape, grad=False)


BLIND = np.array([[True, True, False], [False] * 3, [True] * 3, [False, True, False], [False] * 3])
SAMPLES = [
    Sample(qkv((2, 2), 3, 4, 5)),
    Sample(qkv((1, 2), 9, 6, 5, 3)),
    Sample(qkv((1, 2), 5, 5, 3), {"is_causal": True}),
    Sample(qkv((1, 2), 7, 4, 3), {"is_causal": True}),
    Sample(qkv((1, 2), 3, 7, 3), {"is_causal": True}),
    Sample(qkv((1, 3), 70, 133, 8), {"is_causal": True}),
    Sample(qkv((2, 1), 130, 100, 17, 35), {"is_causal": True}),
    Sample(qkv((1, 1), 65, 600, 4)),  # keys in chunks
    Sample(qkv((1, 4), 6, 5, 3, groups=2), {"enable_gqa": True}),
    Sample(qkv((1, 4), 2, 5, 3, groups=1), {"enable_gqa": True, "is_causal": True}),
    Sample(qkv((2, 2), 1, 150, 16)),  # decoding
    Sample(qkv((), 6, 7, 5)),
    Sample(qkv((3,), 6, 7, 5), {"scale": -0.3}),
    Sample((Arg((2, 2, 3, 7, 5)), Arg((2, 1, 3, 9, 5)), Arg((2, 2, 3, 9, 5)))),
    Sample(qkv((2, 2), 5, 3, 4), {"attn_mask": boolean(5, 3)}),
    Sample(qkv((2, 2), 5, 3, 4), {"attn_mask": boolean(2, 1, 1, 3)}),
    Sample(qkv((2, 2), 2, 3, 4), {"attn_mask": boolean(1, 2, 2, 3)}),
    Sample(qkv((1, 2), 5, 3, 4), {"attn_mask": Arg(values=BLIND, dtype="bool")}),
    Sample(qkv((1, 2), 3, 3, 4), {"attn_mask": Arg(values=BLIND[:3], dtype="bool")}),
    Sample(qkv((1, 2), 6, 3, 4), {"attn_mask": added(6, 3)}),
    Sample(qkv((1, 2), 66, 130, 4), {"attn_mask": added(1, 2, 66, 130)}),
    Sample(qkv((2, 2), 6, 3, 4), {"attn_mask": added(2, 1, 1, 3)}),
    Sample(qkv((2, 2), 2, 3, 4), {"attn_mask": added(2, 3)}),
    Sample(qkv((1, 2), 3, 4, 2), {"attn_mask": Arg((1, 2, 3, 4))}),  # with a gradient
    Sample(qkv((2, 2), 0, 3, 4)),
    Sample(qkv((2, 2), 3, 0, 4)),
    Sample(qkv((2, 2), 6, 0, 4)),
    Sample(qkv((0, 2), 6, 3, 4)),
]
ONES = np.ones((2, 3, 4, 5))

SPECS = [
    # A weight's relative error is that of its score, a sum of E products of size 4 at most.
    Spec("scaled_dot_product_attention", "nn.functional.scaled_dot_product_attention", attention,
         SAMPLES, ulp=64, floor=2.0, errors=[
             Error((ONES, ONES[..., :4], ONES), RuntimeError, "do not go together"),
             Error((ONES, ONES[:, :2], ONES[:, :2]), RuntimeError, "do not broadcast"),
             Error((ONES, ONES[:, :2], ONES[:, :2]), RuntimeError, "do not go together",
                   {"enable_gqa": True}),
             Error((ONES, ONES.astype("f4"), ONES), RuntimeError, "the same dtype"),
             Error((ONES, ONES, ONES), RuntimeError, "does not broadcast",
                   {"attn_mask": np.ones((4, 3), bool)}),
             Error((ONES, ONES, ONES), RuntimeError, "Expected attn_mask dtype",
                   {"attn_mask": np.ones((4, 4), "i8")}),
             Error((ONES, ONES, ONES), RuntimeError, "should not be set",
                   {"attn_mask": np.ones((4, 4), bool), "is_causal": True}),
             Error((ONES, ONES, ONES), RuntimeError, "between 0 and 1", {"dropout_p": 1.5}),
             Error((np.ones(3), np.ones(3), np.ones(3)), RuntimeError, "at least 2 dimensional"),
         ]),
]
