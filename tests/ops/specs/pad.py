"""Records of padding."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def ones(*shape):
    return np.ones(shape, np.float32)


def pad(x, pad, mode="constant", value=None):
    border = [(0, 0)] * (x.ndim - len(pad) // 2)
    border += [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, border,
                                                                      strict=True))
    added = [(max(a, 0), max(b, 0)) for a, b in border]
    names = {"constant": "constant", "reflect": "reflect", "replicate": "edge",
             "circular": "wrap"}
    more = {"constant_values": value or 0} if mode == "constant" else {}
    return np.pad(x[cut], added, names[mode], **more)


SPECS = [
    Spec("pad", "nn.functional.pad", pad, [
        Sample((Arg((2, 3, 4)), [1, 2])),
        Sample((Arg((2, 3, 4)), [1, 0, 0, 2, 1, 1]), {"value": 1.5}),
        Sample((Arg((2, 3, 4)), [-1, 2, 1, -1])),
        *[Sample((Arg(s), p), {"mode": m}) for m in ("reflect", "replicate", "circular")
          for s, p in (((2, 3, 4), [1, 2]), ((3, 4), [2, 0]), ((1, 2, 4, 3), [2, 1, 0, 3]),
                       ((2, 4, 3), [1, 1, 2, 0]), ((1, 2, 3, 3, 2), [1, 1, 2, 0, 1, 2]))],
        *[Sample((Arg((2, 3, 5)), [-1, 2]), {"mode": m}) for m in ("replicate",)],
    ], errors=[
        Error((ones(2, 3, 4), [4, 0], "reflect"), RuntimeError, "reflect"),
        Error((ones(2, 3, 4), [5, 0], "circular"), RuntimeError, "circular"),
        Error((ones(2, 3, 4), [1, 1], "mirror"), NotImplementedError, "mode"),
        Error((ones(4), [1, 1], "reflect"), NotImplementedError, "dimensions"),
        Error((ones(2, 3, 4), [1, 1], "reflect", 2.0), ValueError, "value"),
    ]),
]
