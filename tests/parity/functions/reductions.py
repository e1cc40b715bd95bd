"""Reductions, sorting, statistics and matrices."""

from tests.parity.case import Drawn, integers, normal, values

X, M, V = normal(2, 3, 4), normal(3, 4), normal(5)
INTS = integers(9, 3, 4)
BOOLS = values([[True, False], [True, True]])
DIMS = [(X,), (X, 1), (X, -1), (X, (0, 2)), (X, 1, True)]
WELL = Drawn(lambda rng: rng.standard_normal((3, 3)) + 4 * __import__("numpy").eye(3))


def positive(rng):
    import numpy as np

    a = rng.standard_normal((3, 3))
    return a @ a.T + 2 * np.eye(3)


SPD = Drawn(positive)
LOWER = Drawn(lambda rng: __import__("numpy").linalg.cholesky(positive(rng)), False)

CALLS = {
    "sum": [*DIMS, (INTS,), (BOOLS,), (X, 7)], "mean": [*DIMS, (INTS,)],
    "prod": [(X,), (X, 1), (INTS,)], "amax": DIMS, "amin": DIMS, "nansum": DIMS,
    "nanmean": DIMS, "var": [*DIMS, (X, 1, {"correction": 0}), (INTS,)],
    "std": [*DIMS, (X, {"unbiased": False})], "var_mean": [(X, 1), (X,)],
    "std_mean": [(X, 1)], "max": [(X,), (X, 1), (X, -1, True), (M, normal(3, 4)), (X, 9)],
    "min": [(X,), (X, 1), (M, normal(4))], "argmax": [(X,), (X, 1), (X, 1, True)],
    "argmin": [(X,), (X, 0)], "median": [(X,), (X, 1)], "nanmedian": [(X, 1)],
    "mode": [(INTS, 1)], "quantile": [(M, 0.3), (M, values([0.1, 0.5]), 1), (INTS, 0.5)],
    "kthvalue": [(M, 2, 1)], "logsumexp": [(X, 1), (X, (0, 1)), (X, 1, True)],
    "norm": [(X,), (X, 1), (X, 2, 1), (X, "fro"), (X, float("inf"), 0)],
    "all": [(BOOLS,), (BOOLS, 0), (INTS,)], "any": [(BOOLS,), (BOOLS, 1)],
    "count_nonzero": [(INTS,), (INTS, 1)], "aminmax": [(M,), (M, {"dim": 1})],
    "sort": [(M,), (M, 0), (M, 0, True), (INTS,)], "argsort": [(M, 0), (M, 1, True)],
    "topk": [(M, 2), (M, 2, 0), (M, 2, 1, False), (M, 9)], "msort": [(M,)],
    "unique": [(values([3, 1, 2, 1]),)], "unique_consecutive": [(values([1, 1, 2, 1]),)],
    "bincount": [(values([0, 2, 2, 1]),), (values([0, 1]), {"minlength": 4})],
    "histc": [(V.__class__(V.draw, False), 4, -2, 2)],
    "histogram": [(normal(20, grad=False), 4), (normal(20, grad=False), 4,
                                                 {"range": (-1.0, 1.0)}),
                  (normal(20, grad=False), 5, {"density": True}),
                  (normal(20, grad=False), values([-1.0, 0.0, 0.5, 2.0]))],
    "diff": [(V,), (M, 1, 0)], "cov": [(M,), (V,), (M, {"correction": 0}),
                                       (M, {"fweights": values([1, 2, 1, 3])}),
                                       (M, {"aweights": values([0.5, 1.0, 2.0, 1.0])}), (X,)],
    "corrcoef": [(M,), (V,)], "dist": [(M, normal(3, 4)), (M, normal(4), 1)],
    "renorm": [(M, 2, 0, 1.0), (X, 1, 1, 2.0), (V, 2, 0, 1.0)],
    "renorm_": [(M, 2, 0, 1.0)], "trapezoid": [(M,), (M, {"dx": 0.5}), (M, {"dim": 0}),
                                               (M, values([0.0, 1.0, 3.0, 4.0]))],
    "gradient": [(V,), (M,), (M, {"dim": 1}), (M, {"spacing": 0.5, "dim": 0}),
                 (X, {"dim": (1, 2), "spacing": (1.0, 2.0)}), (V, {"edge_order": 2}),
                 (V, {"spacing": (values([0.0, 1.0, 3.0, 4.0, 6.0]),)}), (normal(1),)],
    "frobenius_norm": [(M, (0, 1)), (X, (1,))], "nuclear_norm": [(M, (0, 1))],
    "trapz": [(M,)], "cumulative_trapezoid": [(M,), (M, {"dim": 0, "dx": 2.0})],
    "matmul": [(M, normal(4, 2)), (V, V), (X, normal(4)), (X, normal(2, 4, 2)), (M, V)],
    "mm": [(M, normal(4, 2)), (M, M), (X, M)], "bmm": [(X, normal(2, 4, 2)), (M, M)],
    "mv": [(M, normal(4)), (M, V)], "dot": [(V, normal(5)), (V, normal(4))],
    "inner": [(M, normal(2, 4))], "outer": [(V, normal(3)), (M, V)], "ger": [(V, normal(3))],
    "vdot": [(V, V)], "addmm": [(normal(3, 2), M, normal(4, 2)),
                                (normal(2), M, normal(4, 2), {"beta": 0.5, "alpha": 2})],
    "addmm_": [(normal(3, 2), M, normal(4, 2))], "addmv": [(normal(3), M, normal(4))],
    "addmv_": [(normal(3), M, normal(4))], "addr": [(normal(3, 4), normal(3), normal(4))],
    "addr_": [(normal(3, 4), normal(3), normal(4), {"alpha": 2})],
    "baddbmm": [(normal(2, 3, 2), X, normal(2, 4, 2))],
    "baddbmm_": [(normal(2, 3, 2), X, normal(2, 4, 2))],
    "addbmm": [(normal(3, 2), X, normal(2, 4, 2))],
    "addbmm_": [(normal(3, 2), X, normal(2, 4, 2), {"beta": 2})],
    "einsum": [("ij,jk->ik", M, normal(4, 2)), ("bij->b", X), ("ij,ij->", M, M)],
    "tensordot": [(M, normal(4, 2), 1)], "kron": [(M, normal(2, 2))],
    "cross": [(normal(4, 3), normal(4, 3), {"dim": 1})], "cdist": [(M, normal(2, 4))],
    "trace": [(normal(3, 3),)], "chain_matmul": [(M, normal(4, 2), normal(2, 5))],
    "inverse": [(WELL,), (M,)], "det": [(WELL,)], "logdet": [(SPD,)], "slogdet": [(WELL,)],
    "matrix_power": [(WELL, 3), (WELL, -1), (M, 2)], "pinverse": [(M,)],
    "matrix_exp": [(normal(3, 3),), (normal(2, 4, 4),), (values([[0.0, 30.0], [-30.0, 0.0]]),),
                   (M,)],
    "cholesky": [(SPD,)], "cholesky_solve": [(normal(3, 2), LOWER)],
    "cholesky_inverse": [(LOWER,)], "qr": [(normal(4, 3),)], "svd": [],
    "triangular_solve": [(normal(3, 2, grad=False), LOWER, {"upper": False, "transpose": t})
                         for t in (False, True)],
    "linalg.solve": [(WELL, normal(3, 2)), (WELL, normal(3)), (WELL, normal(2, 2))],
    "linalg.solve_triangular": [(LOWER, normal(3, 2), {"upper": False}),
                                (LOWER, normal(2, 3), {"upper": False, "left": False}),
                                (LOWER, normal(3, 2), {"upper": False, "unitriangular": True})],
    "linalg.inv": [(WELL,), (values([[1.0, 1.0], [1.0, 1.0]]),)], "linalg.det": [(WELL,)],
    "linalg.cholesky": [(SPD,), (values([[1.0, 2.0], [2.0, 1.0]]),)],
    "linalg.norm": [(M,), (V, 1), (M, "nuc"), (M, 1), (X, 2, 1)],
    "linalg.vector_norm": [(X,), (X, 3, 1), (X, float("inf"))],
    "linalg.matrix_norm": [(M,), (X, 1), (M, 2)], "linalg.cond": [(WELL,), (WELL, 1)],
    "linalg.multi_dot": [([M, normal(4, 2), normal(2, 3)],)],
    "linalg.matrix_power": [(WELL, 2)], "linalg.vecdot": [(M, M)], "linalg.diagonal": [(X,)],
    "linalg.vander": [(V,), (M, {"N": 3})], "linalg.matmul": [(M, normal(4, 2))],
    "linalg.householder_product": [(normal(4, 3), normal(3))],
    "linalg.tensorinv": [(normal(2, 3, 6), 2)],
    "linalg.tensorsolve": [(normal(2, 3, 6), normal(2, 3))],
    "linalg.svdvals": [(M,)], "linalg.eigvalsh": [], "linalg.slogdet": [(WELL,)],
    "linalg.pinv": [(M,)], "linalg.matrix_rank": [(M,)], "linalg.cross": [(normal(4, 3),
                                                                           normal(4, 3))],
}
