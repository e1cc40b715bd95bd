"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from fastnn._core.ops import empty
from fastnn._core.tensor import Tensor
from fastnn.nn import init
from fastnn.nn.functional.attention import multi_head_attention
from fastnn.nn.modules.linear import Linear
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """Linear, under the name that PyTorch's MultiheadAttention shows for its way out."""


class MultiheadAttention(Module):
    """Concat(head_1, ..., head_h) W_o, head_i = softmax(q_i k_i^T / sqrt(d)) v_i of projections.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim), with batch_first (N, L, E) and so
    on, without a batch (L, E). forward returns the output, in query's shape, and the weights
    (N, L, S), averaged over heads or (N, heads, L, S); None unless need_weights.
    key_padding_mask (N, S) and attn_mask (L, S) or (N heads, L, S): boolean, True where a key is
    NOT looked at, or added to the scores. is_causal says that attn_mask is the causal one.
    bias_k, bias_v: a learned key and value more; add_zero_attn: a key and value of zeros more.
    need_weights=False is the fast way: no matrix of queries by keys is in memory.

    in_proj_weight (3E, E) starts Xavier uniform, biases 0. Vaswani et al. 2017,
    https://arxiv.org/abs/1706.03762.
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
                 add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
                 vdim: int | None = None, batch_first: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got "
                             f"embed_dim={embed_dim} and num_heads={num_heads} instead")
        if embed_dim % num_heads:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim

        def part(*size: int) -> Parameter:
            return Parameter(empty(*size, device=device, dtype=dtype))

        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        if self._qkv_same_embed_dim:
            self.in_proj_weight = part(3 * embed_dim, embed_dim)
            for name in names:
                self.register_parameter(name, None)
        else:
            for name, size in zip(names, (embed_dim, self.kdim, self.vdim), strict=True):
                self.register_parameter(name, part(embed_dim, size))
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", part(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias,
                                                        device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, part(1, 1, embed_dim) if add_bias_kv else None)
        self._reset_parameters()

    def _projections(self) -> Any:
        if self._qkv_same_embed_dim:
            return self.in_proj_weight
        return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]

    def _reset_parameters(self) -> None:
        weights = self._projections()
        for weight in weights if isinstance(weights, list) else [weights]:
            init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor,
                key_padding_mask: Tensor | None = None, need_weights: bool = True,
                attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:
        if query.shape[-1] != self.embed_dim:
            raise AssertionError(f"was expecting embedding dimension of {self.embed_dim}, but got "
                                 f"{query.shape[-1]}")
        return multi_head_attention(
            query, key, value, self.num_heads, self._projections(), self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout if self.training else 0.0,
            self.out_proj.weight, self.out_proj.bias, key_padding_mask, need_weights, attn_mask,
            average_attn_weights, is_causal, self.batch_first)
