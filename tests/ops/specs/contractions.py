"""Records of einsum and its kin, and of linear algebra (host)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

M23, M34, M33 = Arg((2, 3)), Arg((3, 4)), Arg((3, 3))
WELL = Arg((3, 3), values=[[4, 1, 0.5], [1, 3, -1], [0.2, -1, 5]])
SINGULAR = Arg((2, 2), values=[[1, 2], [2, 4]])
BATCH = Arg((2, 2, 2), values=[[[3, 1], [1, 2]], [[2, -1], [0.5, 4]]])
TALL = Arg((4, 2), values=[[1, 2], [3, -1], [0.5, 0], [2, 2]])
WIDE = Arg((2, 4), values=[[1, 3, 0.5, 2], [2, -1, 0, 2]])
HOST: dict[str, Any] = {"host": True, "ulp": 200, "floor": 5}
OUT = np.zeros((2, 3), "f4")


def einsum(equation: str, *args: Arg) -> Sample:
    return Sample((equation, *args))


def cdist(a: np.ndarray, b: np.ndarray, p: float = 2.0) -> np.ndarray:
    return np.linalg.norm(a[..., :, None, :] - b[..., None, :, :], p, -1)


def symmetric(x: Any) -> Any:
    return (x + x.swapaxes(-1, -2)) / 2 + 4 * np.eye(x.shape[-1])


SPECS = [
    Spec("einsum", "einsum", np.einsum, [
        einsum("ij,jk->ik", M23, M34), einsum("ij,jk", M23, M34), einsum("ij->ji", M23),
        einsum("ij->", M23), einsum("ii->i", M33), einsum("ii", M33), einsum("i,j->ij", Arg((3,)),
                                                                            Arg((2,))),
        einsum("bij,bjk->bik", Arg((2, 2, 3)), Arg((2, 3, 2))),
        einsum("...ij,...jk->...ik", Arg((2, 2, 3)), Arg((3, 2))),
        einsum("bhqd,bhkd->bhqk", Arg((1, 2, 3, 2)), Arg((1, 2, 2, 2))),
        einsum("i,i->i", Arg((4,)), Arg((4,))), einsum("ij,jk,kl->il", M23, M34, Arg((4, 2))),
        einsum("ij,ij->", M23, M23), einsum("ijk,k->", Arg((2, 2, 2)), Arg((2,)))],
        ulp=8, floor=12, errors=[
            Error(("ij,jk->ik", OUT), RuntimeError, "2 operands in the equation, 1 given"),
            Error(("ijk->i", OUT), RuntimeError, "do not match"),
            Error(("ij,jk->ik", OUT, OUT), RuntimeError, "has size 3"),
            Error(("ij->ik", OUT), RuntimeError, "output subscript k")]),
    Spec("tensordot", "tensordot", np.tensordot, [
        Sample((M23, M34, 1)), Sample((M23, Arg((2, 3)), 2)), Sample((Arg((2,)), Arg((3,)), 0)),
        Sample((Arg((2, 3, 2)), Arg((3, 2, 2)), ([1, 0], [0, 1])))], ulp=8, floor=12,
        errors=[Error((OUT, OUT, 1), RuntimeError, "do not match")]),
    Spec("kron", "kron", np.kron, [Sample((M23, Arg((2, 2)))), Sample((Arg((2,)), M23))], ulp=1),
    Spec("cross", "cross", lambda a, b: np.cross(a, b), [Sample((Arg((4, 3)), Arg((4, 3))))],
         ulp=4, floor=8, errors=[Error((np.zeros((2, 2), "f4"),) * 2, RuntimeError, "size 3")]),
    Spec("cdist", "cdist", cdist, [Sample((M23, Arg((4, 3)))), Sample((M23, Arg((4, 3)), 1.0))],
         ulp=8, floor=4, torch_ulp=64),
    Spec("trace", "trace", np.trace, [Sample((M33,)), Sample((M23,))], ulp=4, floor=6),
    Spec("inv", "linalg.inv", np.linalg.inv, [Sample((WELL,)), Sample((BATCH,))], **HOST, errors=[
        Error((np.zeros((2, 2), "f4"),), RuntimeError, "Singular"),
        Error((OUT,), RuntimeError, "square"), Error((np.zeros(3, "f4"),), RuntimeError,
                                                     "at least 2")]),
    Spec("solve", "linalg.solve", np.linalg.solve, [Sample((WELL, Arg((3, 2)))),
                                                    Sample((WELL, Arg((3,))))], **HOST),
    Spec("det", "linalg.det", np.linalg.det, [Sample((WELL,)), Sample((BATCH,))],
         host=True, ulp=200, floor=50),
    Spec("det of a singular matrix", "linalg.det", np.linalg.det, [Sample((SINGULAR,))],
         host=True, ulp=200, floor=50, second=False),
    Spec("slogdet", "linalg.slogdet", lambda x: tuple(np.linalg.slogdet(x)),
         [Sample((WELL,)), Sample((BATCH,))], **HOST),
    Spec("svdvals", "linalg.svdvals", lambda x: np.linalg.svd(x, compute_uv=False),
         [Sample((WELL,)), Sample((TALL,)), Sample((WIDE,))], **HOST),
    Spec("eigvalsh", "linalg.eigvalsh", np.linalg.eigvalsh,
         [Sample((Arg((2, 2), values=[[2, 0.5], [0.5, 1]]),))], grad=False, **HOST),
    Spec("pinv", "linalg.pinv", np.linalg.pinv, [Sample((WELL,)), Sample((TALL,)), Sample((WIDE,))],
         second=False, **HOST),
    Spec("matrix_power", "linalg.matrix_power", np.linalg.matrix_power,
         [Sample((WELL, 3)), Sample((WELL, 0)), Sample((WELL, -2))], host=True, ulp=200, floor=200,
         grad=False),
    Spec("vector_norm", "linalg.vector_norm", lambda x, ord=2: np.linalg.norm(x.reshape(-1), ord),
         [Sample((M23,)), Sample((M23, 1)), Sample((M23, float("inf"))), Sample((M23, 3.0))],
         ulp=8, floor=8),
    Spec("matrix_norm", "linalg.matrix_norm", np.linalg.norm,
         [Sample((M33,)), Sample((WELL, "nuc")), Sample((WELL, 2)), Sample((WELL, 1)),
          Sample((WELL, -2)), Sample((WELL, float("inf")))], **HOST),
]
