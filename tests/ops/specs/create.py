"""Records of creation functions that take a tensor; the others are in test_create.py."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

SHAPES = [(3, 3), (2, 5), (4, 3, 2), (0, 3)]
TRIANGLES = [Sample((Arg(s), k)) for s in SHAPES for k in (-1, 0, 2)]

SPECS = [
    Spec("tril", "tril", np.tril, TRIANGLES, ulp=0,
         errors=[Error((np.zeros(3),), RuntimeError, "2 dimensions")]),
    Spec("triu", "triu", np.triu, TRIANGLES, ulp=0),
    Spec("zeros_like", "zeros_like", np.zeros_like, [Sample((Arg(s),)) for s in SHAPES], ulp=0,
         grad=False),
    Spec("ones_like", "ones_like", np.ones_like, [Sample((Arg(s),)) for s in SHAPES], ulp=0,
         grad=False),
    Spec("full_like", "full_like", np.full_like, [Sample((Arg(s), 2.5)) for s in SHAPES], ulp=0,
         grad=False),
    Spec("meshgrid", "meshgrid", lambda *a: np.meshgrid(*a, indexing="ij"),
         [Sample((Arg((3,)),)), Sample((Arg((3,)), Arg((4,)), Arg((2,))))], ulp=0, views=False,
         grad=False),
]
