"""Names for the types of sizes: one number for all dimensions, or one for each."""

from __future__ import annotations

from fastnn._core.tensor import Tensor

_scalar_or_tuple_any_t = int | tuple[int, ...]
_scalar_or_tuple_1_t = int | tuple[int]
_scalar_or_tuple_2_t = int | tuple[int, int]
_scalar_or_tuple_3_t = int | tuple[int, int, int]
_size_any_t = _scalar_or_tuple_any_t
_size_1_t, _size_2_t = _scalar_or_tuple_1_t, _scalar_or_tuple_2_t
_size_3_t = _scalar_or_tuple_3_t
_size_2_opt_t = tuple[int | None, int | None] | int | None
_size_3_opt_t = tuple[int | None, int | None, int | None] | int | None
_ratio_2_t = float | tuple[float, float]
_ratio_3_t = float | tuple[float, float, float]
_ratio_any_t = float | tuple[float, ...]
_tensor_list_t = Tensor | list[Tensor]
_maybe_indices_t = _scalar_or_tuple_any_t
