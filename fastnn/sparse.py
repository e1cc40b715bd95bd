"""Sparse matrices in coordinates, as graph networks use them: products with dense ones.

A sparse tensor is (indices, values): indices int64 (D, nnz), values (nnz, ...), which may require
grad. It is no Tensor, but an instance of Tensor to isinstance, with the methods below; what else is
called with it raises TypeError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn._core import ops
from fastnn._core.size import Size
from fastnn._core.tensor import Tensor, register

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sparse_coo_tensor", "spmm", "sum"]


class SparseTensor:
    """A tensor whose elements are zero but for those at its indices; equal ones add up."""

    _answers_functions = True  # mm(self, other) is self.mm(other)
    layout = "fastnn.sparse_coo"
    is_sparse, is_cuda, is_leaf, is_quantized, is_meta = True, False, True, False, False
    grad_fn = None

    def __init__(self, indices: Tensor, values: Tensor, shape: Sequence[int],
                 coalesced: bool = False) -> None:
        self._i, self._v, self._coalesced = indices, values, coalesced
        self.shape = Size(shape)

    __class__ = property(lambda self: Tensor)  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (f"tensor(indices={self._i},\n       values={self._v},\n       "
                f"size={tuple(self.shape)}, nnz={self._nnz()}, layout={self.layout})")

    def __len__(self) -> int:
        return self.shape[0]

    # ---------------------------------------------------------------- facts

    @property
    def dtype(self) -> Any:
        """The values'."""
        return self._v.dtype

    @property
    def device(self) -> Any:
        """The CPU."""
        return self._v.device

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def requires_grad(self) -> bool:
        """Whether the values do."""
        return self._v.requires_grad

    @requires_grad.setter
    def requires_grad(self, mode: bool) -> None:
        self._v.requires_grad = mode

    @property
    def grad(self) -> Any:
        """The gradient of the values, at their indices."""
        if self._v.grad is None or self._coalesced:
            return None if self._v.grad is None else self._like(self._v.grad)
        once = self.coalesce()  # values at one place have the same gradient
        position, count = self._flat()
        at, _ = once._flat()
        whole = self._v.grad.new_zeros([count, *self._v.shape[1:]])
        return once._like(whole.index_copy(0, position, self._v.grad)[at])

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """The number of elements, zeros included."""
        return self.shape.numel()

    def is_floating_point(self) -> bool:
        """Whether the dtype is."""
        return self._v.is_floating_point()

    def sparse_dim(self) -> int:
        """How many dimensions the indices have."""
        return self._i.shape[0]

    def dense_dim(self) -> int:
        """How many dimensions a value has."""
        return self._v.ndim - 1

    def _nnz(self) -> int:
        return self._i.shape[1]

    def _indices(self) -> Tensor:
        return self._i

    def _values(self) -> Tensor:
        return self._v

    def is_coalesced(self) -> bool:
        """Whether the indices are sorted, each there once."""
        return self._coalesced

    def indices(self) -> Tensor:
        """The indices of a coalesced tensor."""
        self._must_be_coalesced("indices")
        return self._i

    def values(self) -> Tensor:
        """The values of a coalesced tensor."""
        self._must_be_coalesced("values")
        return self._v

    def _must_be_coalesced(self, what: str) -> None:
        if not self._coalesced:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call "
                               ".coalesce() first")

    # ---------------------------------------------------------------- other forms

    def _like(self, values: Tensor) -> SparseTensor:
        return SparseTensor(self._i, values, self.shape, self._coalesced)

    def _flat(self) -> tuple[Tensor, int]:
        """The position of each value among all, and their number."""
        position, count = self._i[0] * 0, 1
        for rows, n in zip(self._i, self.shape, strict=False):
            position, count = position * n + rows, count * n
        return position, count

    def coalesce(self) -> SparseTensor:
        """With sorted indices, each of them once."""
        if self._coalesced:
            return self
        position, _ = self._flat()
        unique, inverse = ops.unique(position, return_inverse=True)
        values = self._v.new_zeros([len(unique), *self._v.shape[1:]]).index_add(0, inverse, self._v)
        rows = []
        for n in reversed(self.shape[:self.sparse_dim()]):
            rows.append(unique % n)
            unique = unique // n
        return SparseTensor(ops.stack(rows[::-1]), values, self.shape, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The whole tensor."""
        position, count = self._flat()
        rest = self._v.shape[1:]
        whole = self._v.new_zeros([count, *rest]).index_add(0, position, self._v)
        return whole.reshape(self.shape).to(self.dtype if dtype is None else dtype)

    def to_sparse(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """Itself."""
        return self

    to_sparse_coo = to_sparse

    def to(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """With values of another dtype, on the CPU."""
        values = self._v.to(*args, **kwargs)
        return self if values is self._v else self._like(values)

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """With two sparse dimensions swapped."""
        order, shape = list(range(self.sparse_dim())), list(self.shape)
        order[dim0], order[dim1] = order[dim1], order[dim0]
        shape[dim0], shape[dim1] = shape[dim1], shape[dim0]
        return SparseTensor(self._i[order], self._v, shape)

    def t(self) -> SparseTensor:
        """The transposed matrix."""
        return self.transpose(0, 1)

    T = property(t)

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Let the values require grad, or not."""
        self._v.requires_grad_(requires_grad)
        return self

    # ---------------------------------------------------------------- arithmetic

    def mm(self, other: Any) -> Any:
        """self (M, K) @ other (K, N), dense; the gradient goes to other and to the values.

        Of two sparse matrices the product is sparse.
        """
        if type(other) is SparseTensor:
            product = self.mm(other.to_dense())
            return to_sparse(product)
        if self.sparse_dim() != 2 or self.dense_dim() or other.ndim not in (1, 2) or (
                other.shape[0] != self.shape[1]):
            raise RuntimeError(f"sparse.mm: {tuple(self.shape)} and {tuple(other.shape)} cannot be "
                               "multiplied")
        rows, columns = self._i
        dense = other.index_select(0, columns)
        terms = dense * (self._v.unsqueeze(1) if other.ndim == 2 else self._v)
        return terms.new_zeros([self.shape[0], *other.shape[1:]]).index_add(0, rows, terms)

    matmul = spmm = mv = smm = __matmul__ = mm

    def __rmatmul__(self, other: Any) -> Any:
        return self.t().mm(other.t()).t()

    def _scaled(self, f: Any, other: Any) -> Any:
        if type(other) is SparseTensor:
            return to_sparse(f(self.to_dense(), other.to_dense()))
        if isinstance(other, Tensor) and other.ndim:
            at = other.expand(self.shape)[tuple(self._i)]
            return self._like(f(self._v, at))
        return self._like(f(self._v, other))

    def __mul__(self, other: Any) -> Any:
        return self._scaled(Tensor.mul, other)

    mul = __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._scaled(Tensor.div, other)

    div = __truediv__

    def __pow__(self, exponent: Any) -> Any:
        return self.coalesce()._scaled(Tensor.pow, exponent)

    def __neg__(self) -> SparseTensor:
        return self._like(-self._v)

    def __add__(self, other: Any) -> Any:
        if type(other) is not SparseTensor:
            return self.to_dense() + other
        return SparseTensor(ops.cat([self._i, other._i], 1), ops.cat([self._v, other._v]),
                            self.shape)

    add = __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other

    sub = __sub__

    def __rsub__(self, other: Any) -> Any:
        return other + -self

    def sum(self, dim: Any = None, dtype: Any = None) -> Tensor:
        """The sum of everything, or over dimensions, dense."""
        values = self._v if dtype is None else self._v.to(dtype)
        return values.sum() if dim is None else self._like(values).to_dense().sum(dim)

    def _softmax(self, dim: int, logarithm: bool) -> SparseTensor:
        x = self.coalesce()
        keep = [d for d in range(x.ndim) if d != dim % x.ndim]
        group = SparseTensor(x._i[keep], x._v, [x.shape[d] for d in keep])
        position, count = group._flat()
        highest = x._v.detach().new_full([count], -float("inf")).scatter_reduce(
            0, position, x._v.detach(), "amax")
        shifted = x._v - highest[position]
        total = x._v.new_zeros([count]).index_add(0, position, shifted.exp())
        logs = shifted - total.log()[position]
        return x._like(logs if logarithm else logs.exp())


def _values_method(name: str) -> Any:
    def method(self: SparseTensor, *args: Any, **kwargs: Any) -> SparseTensor:
        return self._like(getattr(self._v, name)(*args, **kwargs))

    method.__name__ = name
    return method


for _name in ("abs", "bfloat16", "clone", "cpu", "cuda", "detach", "double", "float", "half", "int",
              "long", "neg", "relu", "sign", "sin", "sqrt", "square", "tanh", "type"):
    setattr(SparseTensor, _name, _values_method(_name))


# ------------------------------------------------------------------ making them


def sparse_coo_tensor(indices: Any, values: Any, size: Any = None, *, dtype: Any = None,
                      device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
                      check_invariants: bool | None = None, is_coalesced: bool | None = None
                      ) -> Any:
    """The sparse tensor of values at indices (D, nnz). Raises RuntimeError for bad indices."""
    from fastnn import as_tensor
    i = as_tensor(indices).long()
    v = as_tensor(values, dtype=dtype, device=device)
    i = i if i.ndim == 2 else i.reshape(-1, i.numel())
    v = v.expand([i.shape[1]]) if v.ndim == 0 else v
    if i.shape[1] != v.shape[0]:
        raise RuntimeError("indices and values must have same nnz, but got nnz from indices: "
                           f"{i.shape[1]}, nnz from values: {v.shape[0]}")
    least = [int(n) + 1 for n in i.amax(1)] if i.numel() else [0] * i.shape[0]
    shape = Size([*least, *v.shape[1:]] if size is None else size)
    if len(shape) != i.shape[0] + v.ndim - 1:
        raise RuntimeError(f"number of dimensions must be sparse_dim ({i.shape[0]}) + dense_dim "
                           f"({v.ndim - 1}), but got {len(shape)}")
    if i.numel() and int(i.min()) < 0 or any(a > b for a, b in zip(least, shape, strict=False)):
        raise RuntimeError(f"size is inconsistent with indices: {tuple(shape)} does not hold "
                           f"{tuple(least)}")
    return SparseTensor(i, v.detach().requires_grad_() if requires_grad else v, shape,
                        bool(is_coalesced))


def _legacy(dtype: str) -> Any:
    def construct(indices: Any, values: Any, size: Any = None) -> Any:
        import fastnn
        return sparse_coo_tensor(indices, values, size, dtype=getattr(fastnn, dtype))

    construct.__name__ = dtype
    return construct


FloatTensor, DoubleTensor, LongTensor = _legacy("float32"), _legacy("float64"), _legacy("int64")


def to_sparse(self: Tensor, sparse_dim: int | None = None, **kwargs: Any) -> Any:
    """The elements that are not zero, and where they are."""
    n = self.ndim if sparse_dim is None else sparse_dim
    places = self.detach() != 0
    for _ in range(self.ndim - n):
        places = places.any(-1)
    i = places.nonzero().t().contiguous()
    return SparseTensor(i, self[tuple(i)], self.shape, True)


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """Itself."""
    return self if dtype is None else self.to(dtype)


def sparse_mask(self: Tensor, mask: Any) -> Any:
    """The elements at the indices of a sparse tensor."""
    return mask._like(self[tuple(mask._i)])


# ------------------------------------------------------------------ functions


def mm(mat1: Any, mat2: Any) -> Any:
    """mat1 @ mat2; one of them may be sparse."""
    return mat1 @ mat2


spmm = mm


def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Tensor:
    """beta mat + alpha (mat1 @ mat2)."""
    return beta * mat + alpha * mm(mat1, mat2)


def sum(input: Any, dim: Any = None, dtype: Any = None) -> Any:
    """The sum, as a dense tensor; over dimensions as a sparse one."""
    total = input.sum(dim, dtype)
    return total if dim is None else to_sparse(total)


def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """softmax over the elements that are there."""
    return (input if dtype is None else input.to(dtype))._softmax(dim, False)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The logarithm of softmax."""
    return (input if dtype is None else input.to(dtype))._softmax(dim, True)


for _f in (to_sparse, to_dense, sparse_mask):
    register(_f.__name__, _f)
register("to_sparse_coo", to_sparse)
