"""Functions of networks: activations, losses, normalisation, looking up.

Most are the ops themselves; what is composed of them is written out here.
"""

from __future__ import annotations

import fastnn
from fastnn._core.ops.activation import (
    celu,
    elu,
    gelu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    selu,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from fastnn._core.ops.attention import scaled_dot_product_attention
from fastnn._core.ops.classification import cross_entropy, nll_loss
from fastnn._core.ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from fastnn._core.ops.index import one_hot
from fastnn._core.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from fastnn._core.ops.matmul import linear
from fastnn._core.ops.norm import batch_norm, layer_norm, rms_norm
from fastnn._core.ops.softmax import log_softmax, softmax, softmin
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad
from fastnn.nn._fold import fold, unfold
from fastnn.nn._multi_head import multi_head_attention_forward
from fastnn.nn._pad import pad

__all__ = ["batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits",
           "celu", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
           "conv_transpose3d", "cross_entropy", "dropout", "elu", "embedding", "fold", "gelu",
           "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div",
           "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mish",
           "mse_loss", "multi_head_attention_forward", "nll_loss", "normalize", "one_hot", "pad",
           "prelu", "relu", "relu6", "relu_", "rms_norm", "scaled_dot_product_attention", "selu",
           "sigmoid", "silu", "smooth_l1_loss", "softmax", "softmin", "softplus", "softshrink",
           "softsign", "tanh", "tanhshrink", "threshold", "unfold"]

sigmoid = fastnn.sigmoid
tanh = fastnn.tanh


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zero each element with probability p and divide the others by 1 - p."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return fastnn.dropout_(input, p, training) if inplace else fastnn.dropout(input, p, training)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), with a and b the halves of x along dim. Raises RuntimeError if odd."""
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if input.size(dim) % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size "
                           f"{input.size(dim)}")
    a, b = input.chunk(2, dim)
    return a * b.sigmoid()


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[..., k] = x1[..., :] A[k] x2[..., :] + b[k].

    Shapes: x1 (*, I), x2 (*, J), A (K, I, J), b (K,), y (*, K).
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(f"bilinear(): leading dimensions of {tuple(input1.shape)} and "
                           f"{tuple(input2.shape)} differ")
    k, i, j = weight.shape
    if input1.shape[-1] != i or input2.shape[-1] != j:
        raise RuntimeError(f"bilinear(): inputs {tuple(input1.shape)} and {tuple(input2.shape)} do "
                           f"not go with weight {tuple(weight.shape)}")
    # x2 A^T for all k at once, then the dot product with x1.
    through = linear(input2, weight.reshape(k * i, j)).reshape(*input2.shape[:-1], k, i)
    y = fastnn.matmul(through, input1.unsqueeze(-1)).squeeze(-1)
    return y if bias is None else y + bias


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(norm_p(x), eps) along dim."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None,
              max_norm: float | None = None, norm_type: float = 2.0,
              scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """weight[input]: rows of a table, by integers of any shape.

    padding_idx: this row gets no gradient. max_norm: rows that are longer are first shortened to
    it, in place. scale_grad_by_freq: divide each row's gradient by how often it was looked up.
    Raises IndexError for an index outside the table.
    """
    if padding_idx is not None:
        if not -weight.size(0) <= padding_idx < weight.size(0):
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.size(0)
    if max_norm is not None:
        with no_grad():
            rows = input.flatten().unique()
            found = weight[rows]
            norms = found.norm(norm_type, 1, keepdim=True)
            factor = fastnn.where(norms > max_norm, max_norm / (norms + 1e-7), 1.0)
            weight.index_copy_(0, rows, (found * factor).to(weight.dtype))
    return fastnn.embedding(weight, input, -1 if padding_idx is None else padding_idx,
                            scale_grad_by_freq, sparse)
