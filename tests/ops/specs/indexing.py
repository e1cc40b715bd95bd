"""Records of taking and putting by index."""

from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def I(values: Any, dtype: str = "int64") -> Arg:  # noqa: E743
    return Arg(values=values, dtype=dtype)


ROWS = I([2, 0, 2, 1])
GRID = I([[0, 2, 1, 2], [2, 2, 0, 1]])
MASK = I([[True, False, True, True], [False, True, False, True], [True, True, False, False]],
         "bool")


def along(x: np.ndarray, dim: int, i: np.ndarray) -> tuple[Any, ...]:
    return (slice(None),) * (dim % x.ndim) + (i,)


def index_add(x: Any, dim: int, i: Any, src: Any, alpha: float = 1) -> Any:
    y = x.copy()
    np.add.at(y, along(x, dim, i), alpha * src)
    return y


def index_put(x: Any, indices: Any, v: Any, accumulate: bool = False) -> Any:
    y = x.copy()
    if accumulate:
        np.add.at(y, tuple(indices), v)
    else:
        y[tuple(indices)] = v
    return y


def index_set(x: Any, dim: int, i: Any, src: Any) -> Any:
    y = x.copy()
    y[along(x, dim, i)] = src
    return y


def places(x: Any, dim: int, i: np.ndarray) -> tuple[Any, ...]:
    grid: list[Any] = list(np.indices(i.shape, sparse=True))
    grid[dim] = i
    return tuple(grid)


def scatter(x: Any, dim: int, i: Any, src: Any) -> Any:
    y = x.copy()
    y[places(x, dim, i)] = src
    return y


def scatter_add(x: Any, dim: int, i: Any, src: Any) -> Any:
    y = x.copy()
    np.add.at(y, places(x, dim, i), src)
    return y


def scatter_reduce(x: Any, dim: int, i: Any, src: Any, reduce: str, include_self: bool = True
                   ) -> Any:
    f = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum,
         "amin": np.minimum}[reduce]
    y, at = x.copy(), places(x, dim, i)
    count = np.ones_like(x)
    if not include_self:
        y[at] = {"prod": 1, "amax": -np.inf, "amin": np.inf}.get(reduce, 0)
        count[at] = 0
    f.at(y, at, src)
    np.add.at(count, at, 1)
    return y / np.maximum(count, 1) if reduce == "mean" else y


def masked_scatter(x: Any, m: Any, src: Any) -> Any:
    y = np.array(np.broadcast_to(x, np.broadcast_shapes(x.shape, m.shape)))
    y[np.broadcast_to(m, y.shape)] = src.reshape(-1)[:np.broadcast_to(m, y.shape).sum()]
    return y


MATRIX, CUBE = Arg((3, 4)), Arg((2, 3, 4))
UNIQUE = I([2, 0])
OUT = np.zeros((3, 4))

SPECS = [
    Spec("index_select", "index_select", lambda x, d, i: np.take(x, i, d),
         [Sample((MATRIX, 0, ROWS)), Sample((MATRIX, 1, ROWS)), Sample((CUBE, 1, ROWS)),
          Sample((CUBE, -1, I([3, 3], "int32"))), Sample((Arg((3,)), 0, ROWS)),
          Sample((MATRIX, 0, I([])))], ulp=0,
         errors=[Error((OUT, 0, np.array([3])), IndexError, "index 3 is out of range"),
                 Error((OUT, 2, np.array([0])), IndexError, "dimension"),
                 Error((OUT, 0, np.array([[0]])), IndexError, "rank"),
                 Error((OUT, 0, np.array([0.5])), (IndexError, TypeError), "int64")]),
    Spec("index_add", "index_add", index_add,
         [Sample((MATRIX, 0, ROWS, Arg((4, 4)))), Sample((CUBE, 2, ROWS, Arg((2, 3, 4)))),
          Sample((MATRIX, 1, UNIQUE, Arg((3, 2))), {"alpha": -1.5})], ulp=4, floor=8,
         errors=[Error((OUT, 0, np.array([0, 5]), np.zeros((2, 4))), IndexError, "index 5"),
                 Error((OUT, 0, np.array([0]), np.zeros((2, 4))), RuntimeError, "values")]),
    Spec("index_copy", "index_copy", index_set,
         [Sample((MATRIX, 0, UNIQUE, Arg((2, 4)))), Sample((CUBE, 1, UNIQUE, Arg((2, 2, 4))))],
         ulp=0),
    Spec("index_fill", "index_fill", index_set,
         [Sample((MATRIX, 0, UNIQUE, 2.5)), Sample((CUBE, -1, I([0]), -1))], ulp=0),
    Spec("index_put", "index_put", index_put,
         [Sample((MATRIX, [ROWS, I([0, 3, 0, 1])], Arg((4,)), True)),
          Sample((MATRIX, [I([0, 2]), I([0, 3])], Arg((2,)))),
          Sample((CUBE, [I([[0], [1]]), I([0, 2])], Arg((4,))))], ulp=4, floor=8),
    Spec("embedding", "embedding", lambda w, i, *a, **k: w[i],
         [Sample((Arg((5, 4)), GRID)), Sample((Arg((5, 1)), I([0, 4, 4]))),
          Sample((Arg((5, 7)), I(3)))], ulp=0, torch=None,
         errors=[Error((np.zeros((5, 2)), np.array([5])), IndexError, "out of range"),
                 Error((np.zeros((5, 2)), np.array([-1])), IndexError, "out of range"),
                 Error((np.zeros(5), np.array([1])), RuntimeError, "rank 2")]),
    Spec("gather", "gather", lambda x, d, i: x[places(x, d, i)],
         [Sample((MATRIX, 0, GRID)), Sample((MATRIX, 1, GRID)), Sample((Arg((3,)), 0, ROWS))],
         ulp=0,
         errors=[Error((OUT, 0, np.full((2, 4), 3)), RuntimeError, "index 3"),
                 Error((OUT, 0, np.zeros((2, 5), "int64")), RuntimeError, "apart from")]),
    Spec("scatter", "scatter", scatter,
         [Sample((MATRIX, 0, I([[0, 1, 2, 0], [1, 2, 0, 2]]), Arg((2, 4)))),
          Sample((MATRIX, 1, I([[3, 1], [0, 2], [1, 0]]), Arg((3, 2)))),
          Sample((MATRIX, 0, GRID, 2.0))], ulp=0),
    Spec("scatter_add", "scatter_add", scatter_add,
         [Sample((MATRIX, 0, GRID, Arg((2, 4)))), Sample((MATRIX, 1, GRID, Arg((2, 4))))],
         ulp=4, floor=8),
    *[Spec(f"scatter_reduce_{how}", "scatter_reduce", scatter_reduce,
           [Sample((MATRIX, 0, GRID, Arg((2, 4)), how), {"include_self": s})
            for s in (True, False)], ulp=8, floor=16)
      for how in ("sum", "mean", "prod", "amax", "amin")],
    Spec("take", "take", lambda x, i: x.reshape(-1)[i],
         [Sample((MATRIX, I([[0, 11], [-1, 5]]))), Sample((CUBE, I([3])))], ulp=0,
         errors=[Error((OUT, np.array([12])), IndexError, "index 12")]),
    Spec("take_along_dim", "take_along_dim", lambda x, i, d=None: np.take_along_axis(x, i, d),
         [Sample((MATRIX, GRID, 0)), Sample((MATRIX, I([[2], [0], [1]]), 1)),
          Sample((Arg((6,)), I([5, 0])))], ulp=0),
    Spec("masked_select", "masked_select", lambda x, m: np.broadcast_to(
        x, np.broadcast_shapes(x.shape, m.shape))[np.broadcast_to(
            m, np.broadcast_shapes(x.shape, m.shape))],
         [Sample((MATRIX, MASK)), Sample((CUBE, MASK)), Sample((Arg((4,)), MASK)),
          Sample((MATRIX, I([True, False, False, True], "bool")))], ulp=0),
    Spec("masked_scatter", "masked_scatter", masked_scatter,
         [Sample((MATRIX, MASK, Arg((8,)))), Sample((CUBE, MASK, Arg((4, 5))))], ulp=0),
    Spec("nonzero", "nonzero", lambda x: np.argwhere(x),
         [Sample((I([[0, 3, 0], [1, 0, 0]]),)), Sample((MASK,)), Sample((Arg((0,)),))], ulp=0,
         dtypes=("float32",), grad=False),
    Spec("one_hot", "one_hot", lambda x, n: np.eye(n)[x],
         [Sample((GRID, 4)), Sample((ROWS, 3))], ulp=0, dtypes=("float32",), grad=False,
         torch="nn.functional.one_hot",
         errors=[Error((np.array([3]), 3), RuntimeError, "smaller")]),
]
