"""Records of matrix products. A sum of k products of numbers up to 2 has floor 4 k."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def pairs(*shapes):
    return [Sample(tuple(Arg(s) for s in group)) for group in shapes]


def ones(*shape):
    return np.ones(shape, np.float32)


def bias_linear(x, w, b=None):
    y = x @ w.T
    return y if b is None else y + b


def addmm(c, a, b, beta=1, alpha=1):
    return alpha * (a @ b) + (beta * c if beta else 0)


MATMUL = pairs(
    ((5,), (5,)), ((5,), (5, 7)), ((4, 5), (5,)), ((4, 5), (5, 7)), ((3, 4, 5), (5, 7)),
    ((3, 4, 5), (5,)), ((5,), (3, 5, 2)), ((3, 4, 5), (3, 5, 2)), ((2, 1, 4, 5), (3, 5, 2)),
    ((4, 5), (3, 5, 2)), ((0, 5), (5, 7)), ((4, 0), (0, 3)), ((17, 70), (70, 9)),
    ((2, 60), (60, 3)))

SPECS = [
    Spec("matmul", "matmul", np.matmul, MATMUL, floor=280, errors=[
        Error((ones(2, 3), ones(4, 5)), RuntimeError, "matmul"),
        Error((ones(2, 3), np.ones((3, 2))), RuntimeError, "dtype"),
        Error((ones(), ones(3)), RuntimeError, "matmul"),
        Error((ones(2, 2, 3), ones(3, 3, 4)), RuntimeError, "broadcast"),
    ]),
    Spec("mm", "mm", np.matmul, pairs(((4, 5), (5, 7)), ((1, 3), (3, 1))), floor=20,
         errors=[Error((ones(3), ones(3, 2)), RuntimeError, "mm")]),
    Spec("bmm", "bmm", np.matmul, pairs(((3, 4, 5), (3, 5, 2)), ((0, 4, 5), (0, 5, 2))), floor=20,
         errors=[Error((ones(3, 4, 5), ones(1, 5, 2)), RuntimeError, "batch")]),
    Spec("mv", "mv", np.matmul, pairs(((4, 5), (5,)), ((70, 60), (60,))), floor=240,
         errors=[Error((ones(3, 4), ones(4, 1)), RuntimeError, "vec")]),
    Spec("dot", "dot", np.dot, pairs(((5,), (5,)), ((0,), (0,)), ((100,), (100,))), floor=400),
    Spec("outer", "outer", np.outer, pairs(((5,), (3,)), ((1,), (7,)))),
    Spec("inner", "inner", np.inner, pairs(((5,), (5,)), ((2, 3, 5), (4, 5)), ((), (3,))),
         floor=20),
    Spec("addmm", "addmm", addmm, [
        Sample((Arg((7,)), Arg((4, 5)), Arg((5, 7)))),
        Sample((Arg((4, 7)), Arg((4, 5)), Arg((5, 7))), {"beta": 0.5, "alpha": -2}),
        Sample((Arg((4, 1)), Arg((4, 5)), Arg((5, 7))), {"beta": 0}),
    ], floor=60, errors=[Error((ones(3, 3), ones(2, 3), ones(3, 4)), RuntimeError, "broadcast")]),
    Spec("baddbmm", "baddbmm", addmm, [
        Sample((Arg((3, 4, 7)), Arg((3, 4, 5)), Arg((3, 5, 7)))),
        Sample((Arg((4, 1)), Arg((3, 4, 5)), Arg((3, 5, 7))), {"beta": 0.5, "alpha": 2}),
    ], floor=60),
    Spec("addmv", "addmv", addmm, [
        Sample((Arg((4,)), Arg((4, 5)), Arg((5,)))),
        Sample((Arg((1,)), Arg((4, 5)), Arg((5,))), {"beta": 0.5, "alpha": 2}),
    ], floor=60),
    Spec("addbmm", "addbmm", lambda c, a, b: c + (a @ b).sum(0),
         pairs(((4, 7), (3, 4, 5), (3, 5, 7))), floor=60),
    Spec("addr", "addr", lambda c, a, b: c + np.outer(a, b), pairs(((4, 7), (4,), (7,))),
         floor=10),
    Spec("linear", "nn.functional.linear", bias_linear, pairs(
        ((4, 5), (7, 5)), ((4, 5), (7, 5), (7,)), ((5,), (7, 5), (7,)), ((2, 3, 5), (7, 5), (7,)),
        ((0, 5), (7, 5), (7,)), ((17, 70), (9, 70), (9,)), ((4, 5), (5,))), floor=280, errors=[
            Error((ones(2, 3), ones(4, 5)), RuntimeError, "multiplied"),
            Error((ones(2, 3), ones(4, 3), ones(3)), RuntimeError, "bias"),
            Error((ones(2, 3), np.ones((4, 3))), RuntimeError, "dtype"),
        ]),
]
