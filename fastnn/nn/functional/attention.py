"""Multi-head attention as one function: projections, masks, attention, the way out."""

from __future__ import annotations

import math
from typing import Any

import fastnn
from fastnn._core.ops.attention import scaled_dot_product_attention
from fastnn._core.ops.matmul import linear
from fastnn._core.ops.softmax import softmax
from fastnn._core.tensor import Tensor

__all__ = ["multi_head_attention", "multi_head_attention_forward"]


def _check_mask(mask: Tensor | None, name: str) -> None:
    if mask is not None and mask.dtype != fastnn.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")


def _to_float(mask: Tensor, dtype: fastnn.dtype) -> Tensor:
    """A mask that is added: -inf where a boolean one says that a key is not looked at."""
    if mask.dtype != fastnn.bool:
        return mask.to(dtype)
    zeros = fastnn.zeros(mask.shape, dtype=dtype)
    return zeros.masked_fill(mask, -math.inf)


def _merge(attn_mask: Tensor | None, padding: Tensor | None, heads: int,
           shape: tuple[int, int, int], dtype: fastnn.dtype) -> Tensor | None:
    """One mask (N or 1, heads or 1, L or 1, S) of both: boolean where both are, else added."""
    n, length, keys = shape
    if attn_mask is not None:
        if attn_mask.ndim == 2:
            if tuple(attn_mask.shape) != (length, keys):
                raise RuntimeError(f"The shape of the 2D attn_mask is {tuple(attn_mask.shape)}, "
                                   f"but should be {(length, keys)}.")
        elif attn_mask.ndim == 3:
            if tuple(attn_mask.shape) != (n * heads, length, keys):
                raise RuntimeError(f"The shape of the 3D attn_mask is {tuple(attn_mask.shape)}, "
                                   f"but should be {(n * heads, length, keys)}.")
            attn_mask = attn_mask.view(n, heads, length, keys)
        else:
            raise RuntimeError(f"attn_mask's dimension {attn_mask.ndim} is not supported")
    if padding is None:
        return attn_mask
    if tuple(padding.shape) != (n, keys):
        raise AssertionError(f"expecting key_padding_mask shape of {(n, keys)}, but got "
                             f"{tuple(padding.shape)}")
    padding = padding.view(n, 1, 1, keys)
    if attn_mask is None:
        return padding
    if attn_mask.dtype == fastnn.bool and padding.dtype == fastnn.bool:
        return attn_mask | padding
    return _to_float(attn_mask, dtype) + _to_float(padding, dtype)


def _longer(mask: Tensor | None) -> Tensor | None:
    """The mask with one more key, which is looked at."""
    if mask is None:
        return None
    return fastnn.cat([mask, fastnn.zeros(*mask.shape[:-1], 1, dtype=mask.dtype)], -1)


def _project(query: Tensor, key: Tensor, value: Tensor, weights: list[Tensor] | Tensor,
             bias: Tensor | None) -> list[Tensor]:
    """q, k and v: one product for those that are projected from the same tensor."""
    e = query.shape[-1]
    if isinstance(weights, list):
        biases = [None] * 3 if bias is None else list(bias.chunk(3))
        return [linear(x, w, b)
                for x, w, b in zip((query, key, value), weights, biases, strict=True)]
    if query is key and key is value:
        return list(linear(query, weights, bias).split(e, -1))
    if key is value:
        b = (None, None) if bias is None else bias.split([e, 2 * e])
        w = weights.split([e, 2 * e])
        return [linear(query, w[0], b[0]), *linear(key, w[1], b[1]).split(e, -1)]
    return _project(query, key, value, list(weights.chunk(3)), bias)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float,
            is_causal: bool, need_weights: bool) -> tuple[Tensor, Tensor | None]:
    if not need_weights:
        if mask is not None and mask.dtype == fastnn.bool:
            mask = ~mask
        y = scaled_dot_product_attention(q, k, v, None if is_causal else mask, dropout_p, is_causal)
        return y, None
    scores = (q * (1 / math.sqrt(q.shape[-1]))).matmul(k.transpose(-2, -1))
    if mask is not None:
        scores = scores + _to_float(mask, q.dtype)
    weights = fastnn.dropout(softmax(scores, -1), dropout_p, True)
    return weights.matmul(v), weights


def multi_head_attention(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, in_weights: list[Tensor] | Tensor,
    in_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool,
    dropout_p: float, out_weight: Tensor, out_bias: Tensor | None, key_padding_mask: Tensor | None,
    need_weights: bool, attn_mask: Tensor | None, average_attn_weights: bool, is_causal: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor | None]:
    """Attention of batches (N, L, E), or (L, N, E) unless batch_first; (L, E) without a batch."""
    _check_mask(key_padding_mask, "key_padding_mask")
    _check_mask(attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    batched = query.ndim == 3
    if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
        raise AssertionError(f"query, key and value must have 3 dimensions, or 2 without a batch, "
                             f"got {query.ndim}, {key.ndim} and {value.ndim}")
    if not batched:
        same, kv = query is key, key is value
        query = query.unsqueeze(0)
        key = query if same else key.unsqueeze(0)
        value = key if kv else value.unsqueeze(0)
        batch_first = True
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    if tuple(key.shape[:2]) != tuple(value.shape[:2]):
        raise AssertionError(f"key's sequence and batch dims {tuple(key.shape[:2])} do not match "
                             f"value's {tuple(value.shape[:2])}")
    e = query.shape[-1]
    where, time = (0, 1) if batch_first else (1, 0)
    n, length, keys = query.shape[where], query.shape[time], key.shape[time]
    mask = _merge(attn_mask, key_padding_mask, num_heads, (n, length, keys), query.dtype)
    causal = is_causal and key_padding_mask is None and not need_weights and not add_zero_attn \
        and bias_k is None
    q, k, v = _project(query, key, value, in_weights, in_bias)
    if bias_k is not None and bias_v is not None:
        shape = (n, 1, e) if batch_first else (1, n, e)
        k = fastnn.cat([k, bias_k.expand(*shape)], time)
        v = fastnn.cat([v, bias_v.expand(*shape)], time)
        mask = _longer(mask)

    def split(x: Tensor) -> Tensor:
        x = x.view(*x.shape[:2], num_heads, e // num_heads)
        return x.permute(0, 2, 1, 3) if batch_first else x.permute(1, 2, 0, 3)

    q, k, v = split(q), split(k), split(v)
    if add_zero_attn:
        zeros = fastnn.zeros(n, num_heads, 1, e // num_heads, dtype=k.dtype)
        k, v = fastnn.cat([k, zeros], 2), fastnn.cat([v, zeros], 2)
        mask = _longer(mask)
    y, weights = _attend(q, k, v, mask, dropout_p, causal, need_weights)
    y = y.permute(0, 2, 1, 3) if batch_first else y.permute(2, 0, 1, 3)
    y = linear(y.reshape(*y.shape[:2], e), out_weight, out_bias)
    if weights is not None and average_attn_weights:
        weights = weights.mean(1)
    if batched:
        return y, weights
    return y.squeeze(0), None if weights is None else weights.squeeze(0)


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None,
    bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor,
    out_proj_bias: Tensor | None, training: bool = True, key_padding_mask: Tensor | None = None,
    need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """nn.MultiheadAttention of tensors (L, N, E) with its parameters given.

    Raises AssertionError where embed_dim_to_check is not E, NotImplementedError for static_k and
    static_v.
    """
    if static_k is not None or static_v is not None:
        raise NotImplementedError("multi_head_attention_forward: static_k and static_v")
    if query.shape[-1] != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got "
                             f"{query.shape[-1]}")
    separate = [q_proj_weight, k_proj_weight, v_proj_weight]
    weights: Any = separate if use_separate_proj_weight else in_proj_weight
    return multi_head_attention(
        query, key, value, num_heads, weights, in_proj_bias, bias_k, bias_v, add_zero_attn,
        dropout_p if training else 0.0, out_proj_weight, out_proj_bias, key_padding_mask,
        need_weights, attn_mask, average_attn_weights, is_causal, False)
