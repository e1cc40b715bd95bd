"""Attention and transformers."""

from tests.parity.case import Case, normal, values

Q, K, V = normal(5, 3, 8), normal(6, 3, 8), normal(6, 3, 8)
PADDED = values([[False, False, False, False, False, True]] * 2 + [[False] * 6])
ALIKE = values([[False, False, False, False, True], [False] * 5, [False, False, False, True, True]])
SMALL = {"d_model": 8, "nhead": 2, "dim_feedforward": 12, "dropout": 0.0}


def masked(T, module, q, k, v, padding):
    return module(q, k, v, key_padding_mask=padding)


def causal(T, module, x):
    mask = T.nn.Transformer.generate_square_subsequent_mask(x.shape[0], dtype=x.dtype)
    return module(x, x, x, attn_mask=mask)


def unshared(T, module, q, k, v):
    return module(q, k, v, average_attn_weights=False)


def attention():
    sets = [{}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}]
    made = [Case((8, 2), k, (Q, K, V), typed=True) for k in sets]
    made += [Case((8, 4), {"kdim": 5, "vdim": 7}, (Q, normal(6, 3, 5), normal(6, 3, 7)),
                  typed=True),
             Case((8, 2), {"batch_first": True}, (normal(3, 5, 8),) * 3, typed=True),
             Case((8, 2), {}, (Q, K, V, PADDED), typed=True, call=masked),
             Case((8, 2), {}, (Q,), typed=True, call=causal),
             Case((8, 2), {}, (Q, K, V), typed=True, call=unshared),
             Case((8, 1), {}, (normal(5, 8), normal(6, 8), normal(6, 8)), typed=True),
             Case((8, 8), {"dropout": 0.5}, (Q, K, V), train=False, typed=True)]
    return made


LAYER = [{}, {"activation": "gelu"}, {"norm_first": True}, {"bias": False}, {"layer_norm_eps": 0.1},
         {"activation": "gelu", "norm_first": True}, {"nhead": 4}, {"dim_feedforward": 5},
         {"batch_first": True}]


def layer_calls(decoder):
    x, memory = normal(5, 3, 8), normal(6, 3, 8)
    inputs = (x, memory) if decoder else (x,)
    made = [Case((), {**SMALL, **k}, inputs, typed=True) for k in LAYER if "batch_first" not in k]
    first = (normal(3, 5, 8), normal(3, 6, 8))[:len(inputs)]
    made.append(Case((), {**SMALL, "batch_first": True}, first, typed=True))

    def with_mask(T, module, *given):
        mask = T.nn.Transformer.generate_square_subsequent_mask(5, dtype=given[0].dtype)
        return module(*given, **{"tgt_mask" if decoder else "src_mask": mask})

    def with_padding(T, module, *given):
        *tensors, padding = given
        name = "tgt_key_padding_mask" if decoder else "src_key_padding_mask"
        return module(*tensors, **{name: padding})

    made += [Case((), SMALL, inputs, typed=True, call=with_mask),
             Case((), SMALL, (*inputs, ALIKE), typed=True, call=with_padding),
             Case((), {**SMALL, "dropout": 0.3}, inputs, train=False, typed=True)]
    return made


def stack(kind, n, norm=False, **options):
    """A TransformerEncoder or Decoder of n layers, as arguments that know their engine."""
    def layer(T, dtype):
        made = {**SMALL, **options, "dtype": getattr(T, dtype)}
        return getattr(T.nn, f"Transformer{kind}Layer")(**made)

    def last(T, dtype):
        return T.nn.LayerNorm(8, dtype=getattr(T, dtype)) if norm else None
    return layer, n, last


def stacks(kind):
    inputs = (normal(5, 3, 8), normal(6, 3, 8)) if kind == "Decoder" else (normal(5, 3, 8),)
    more = {"enable_nested_tensor": False} if kind == "Encoder" else {}
    sets = [stack(kind, 1), stack(kind, 2), stack(kind, 3), stack(kind, 2, True),
            stack(kind, 2, norm_first=True), stack(kind, 2, True, activation="gelu"),
            stack(kind, 1, bias=False), stack(kind, 2, nhead=4), stack(kind, 2, dim_feedforward=3),
            stack(kind, 2, layer_norm_eps=0.01)]
    return [Case(s, more, inputs) for s in sets]


def whole(T, module, src, tgt):
    mask = module.generate_square_subsequent_mask(tgt.shape[0], dtype=tgt.dtype)
    return module(src, tgt, tgt_mask=mask)


DEEP = {**SMALL, "num_encoder_layers": 1, "num_decoder_layers": 2}

CASES = {
    "MultiheadAttention": attention(),
    "TransformerEncoderLayer": layer_calls(False), "TransformerDecoderLayer": layer_calls(True),
    "TransformerEncoder": stacks("Encoder"), "TransformerDecoder": stacks("Decoder"),
    "Transformer": [
        *[Case((), {**DEEP, **k}, (normal(6, 3, 8), normal(5, 3, 8)), typed=True)
          for k in LAYER if "batch_first" not in k],
        Case((), {**DEEP, "batch_first": True}, (normal(3, 6, 8), normal(3, 5, 8)), typed=True),
        Case((), DEEP, (normal(6, 3, 8), normal(5, 3, 8)), typed=True, call=whole)],
}
