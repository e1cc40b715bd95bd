"""Records of copies."""

import numpy as np

from tests.ops.spec import Arg, Sample, Spec

SPECS = [
    Spec("clone", "clone", np.array, [Sample((Arg(s),)) for s in [(), (5,), (3, 4), (0, 2)]],
         ulp=0),
]
