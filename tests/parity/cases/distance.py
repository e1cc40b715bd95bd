"""Distances."""

from tests.parity.case import Case, normal, values

BOTH = (normal(5, 4), normal(5, 4))

CASES = {
    "PairwiseDistance": [
        *[Case((), k, BOTH) for k in ({}, {"p": 1.0}, {"p": 3.0}, {"keepdim": True}, {"eps": 0.1},
                                      {"p": float("inf")}, {"p": 0.5, "keepdim": True})],
        Case((), {}, (normal(4), normal(4))), Case((), {}, (normal(2, 3, 4), normal(3, 4))),
        Case((1.0, 0.0), {}, (normal(4), normal(5, 4)))],
    "CosineSimilarity": [
        *[Case((), k, BOTH) for k in ({}, {"dim": 0}, {"dim": -1}, {"eps": 1.0}, {"eps": 3.0})],
        Case((0,), {}, (normal(4), normal(4))), Case((), {}, (normal(2, 3, 4), normal(2, 3, 4))),
        Case((2,), {}, (normal(2, 3, 4), normal(1, 3, 4))),
        Case((-1,), {}, (normal(5, 4), normal(4))), Case((), {}, (normal(2, 3, 4), normal(3, 4))),
        Case((), {}, (values([[0.0, 0.0], [1.0, 2.0]]), normal(2, 2)))],
}
