"""MultiheadAttention and transformers against PyTorch's: parameters, outputs, all gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
from tests.nn.oracle import compare

torch = pytest.importorskip("torch")


def boolean(T: Any, *shape: int) -> Any:
    """Half of it hidden, the first key always seen."""
    mask = np.random.default_rng(2).random(shape) < 0.5
    mask[..., 0] = False
    return T.tensor(mask)


MHA: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"need_weights": False}),
    ({"bias": False, "batch_first": True}, {"average_attn_weights": False}),
    ({"kdim": 5, "vdim": 7}, {}),
    ({"kdim": 5, "vdim": 7, "bias": False}, {"need_weights": False}),
    ({"add_bias_kv": True}, {"need_weights": False}),
    ({"add_zero_attn": True}, {"need_weights": False}),
    ({"add_bias_kv": True, "add_zero_attn": True, "batch_first": True}, {}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masks", ["", "attn", "attn3", "padding", "both", "float", "mixed"])
@pytest.mark.parametrize("options, call", MHA)
def test_multihead_attention(options: Any, call: Any, masks: str, dtype: str) -> None:
    length, keys, batch, e, heads = 5, 6, 3, 8, 2
    first = options.get("batch_first")

    def shape(t: int, size: int) -> tuple[int, ...]:
        return (batch, t, size) if first else (t, batch, size)

    def run(module: Any, T: Any, inputs: list[Any]) -> list[Any]:
        given = dict(call)
        if masks in ("attn", "both"):
            given["attn_mask"] = boolean(T, length, keys)
        if masks == "attn3":
            given["attn_mask"] = boolean(T, batch * heads, length, keys)
        if masks in ("padding", "both"):
            given["key_padding_mask"] = boolean(T, batch, keys)
        if masks in ("float", "mixed"):
            added = np.random.default_rng(3).standard_normal((length, keys)).astype(dtype)
            given["attn_mask"] = T.tensor(added)
        if masks == "mixed":
            given["key_padding_mask"] = boolean(T, batch, keys)
        return [y for y in module(*inputs, **given) if y is not None]

    compare(lambda T, d: T.nn.MultiheadAttention(e, heads, dtype=d, **options), run,
            [shape(length, e), shape(keys, options.get("kdim", e)),
             shape(keys, options.get("vdim", e))], dtype)


@pytest.mark.parametrize("which", ["self", "memory"])
def test_multihead_attention_of_the_same_tensor(which: str) -> None:
    def run(module: Any, T: Any, x: list[Any]) -> list[Any]:
        y, _ = module(x[0], *((x[0], x[0]) if which == "self" else (x[1], x[1])),
                      need_weights=False)
        return [y] if which == "memory" else [y + 0 * x[1].sum()]

    compare(lambda T, d: T.nn.MultiheadAttention(8, 4, dtype=d), run, [(5, 2, 8), (7, 2, 8)],
            "float64")


def test_multihead_attention_without_a_batch() -> None:
    def run(module: Any, T: Any, x: list[Any]) -> list[Any]:
        return list(module(*x, key_padding_mask=boolean(T, 7)))

    compare(lambda T, d: T.nn.MultiheadAttention(8, 4, dtype=d), run, [(5, 8), (7, 8), (7, 8)],
            "float64")


LAYERS = [{}, {"batch_first": True, "norm_first": True, "activation": "gelu"}, {"bias": False}]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", LAYERS)
@pytest.mark.parametrize("causal", [False, True])
def test_transformer(options: dict[str, Any], causal: bool, dtype: str) -> None:
    def make(T: Any, d: Any) -> Any:
        return T.nn.Transformer(8, 2, 2, 2, 12, dropout=0.0, dtype=d, **options)

    def run(module: Any, T: Any, x: list[Any]) -> list[Any]:
        given: dict[str, Any] = {"src_key_padding_mask": boolean(T, 3, 6),
                                 "memory_key_padding_mask": boolean(T, 3, 6)}
        if causal:
            given["tgt_mask"] = T.nn.Transformer.generate_square_subsequent_mask(
                5, dtype=getattr(T, dtype))
        return [module(*x, **given)]

    shapes = [(3, 6, 8), (3, 5, 8)] if options.get("batch_first") else [(6, 3, 8), (5, 3, 8)]
    compare(make, run, shapes, dtype)


def test_encoder_with_causal_mask_and_hint() -> None:
    def make(T: Any, d: Any) -> Any:
        layer = T.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, dtype=d)
        return T.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def run(module: Any, T: Any, x: list[Any]) -> list[Any]:
        mask = T.nn.Transformer.generate_square_subsequent_mask(6, dtype=T.float64)
        return [module(x[0], mask), module(x[0], mask, is_causal=True), module(x[0])]

    compare(make, run, [(3, 6, 8)], "float64")


def test_initial_values_have_torch_s_distributions() -> None:
    fastnn.manual_seed(0)
    m = fastnn.nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = (6 / (4 * 64)) ** 0.5
    assert 0.95 * bound < m.in_proj_weight.abs().max().item() <= bound
    assert (m.in_proj_bias == 0).all() and (m.out_proj.bias == 0).all()
    assert 0.5 < m.bias_k.std().item() / (2 / 128) ** 0.5 < 1.5


def test_refusals() -> None:
    nn, x = fastnn.nn, fastnn.zeros(3, 2, 8)
    with pytest.raises(AssertionError, match="divisible"):
        nn.MultiheadAttention(8, 3)
    with pytest.raises(AssertionError, match="embedding dimension"):
        nn.MultiheadAttention(4, 2)(x, x, x)
    with pytest.raises(RuntimeError, match="Need attn_mask"):
        nn.MultiheadAttention(8, 2)(x, x, x, is_causal=True)
    with pytest.raises(RuntimeError, match="2D attn_mask"):
        nn.MultiheadAttention(8, 2)(x, x, x, attn_mask=fastnn.zeros(2, 3))
    with pytest.raises(AssertionError, match="key_padding_mask"):
        nn.MultiheadAttention(8, 2)(x, x, x, key_padding_mask=fastnn.zeros(3, 2))
    with pytest.raises(RuntimeError, match="relu/gelu"):
        nn.TransformerEncoderLayer(8, 2, activation="swish")
    with pytest.raises(RuntimeError, match="feature number"):
        nn.Transformer(4, 2, 1, 1, 4)(x, x)


def test_dropout_acts_in_training_only() -> None:
    layer = fastnn.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5)
    x = fastnn.randn(5, 2, 8)
    assert not (layer(x) == layer(x)).all()
    layer.eval()
    assert (layer(x) == layer(x)).all()
