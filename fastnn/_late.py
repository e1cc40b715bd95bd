"""Functions and methods that few programs use: their files are imported when one is first called.

Whoever adds one to such a file names it here; tests/build/test_late.py compares.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fastnn._core.ops.elementary import use_polygamma
from fastnn._core.tensor import Tensor, register

FUNCTIONS = {
    "_elementwise": """
        acosh angle arccosh arcsinh arctanh asinh atanh conj conj_physical deg2rad
        float_power frexp gcd heaviside imag isneginf isposinf isreal lcm ldexp
        logaddexp2 logit mvlgamma nextafter positive rad2deg real resolve_conj
        resolve_neg sgn signbit sinc""",
    "_matrices": """
        adjoint block_diag chain_matmul cholesky cholesky_inverse cholesky_solve logdet
        matrix_exp matrix_power pinverse qr slogdet svd triangular_solve""",
    "_scatters": """
        as_strided_scatter diagflat diagonal_scatter index_reduce narrow_copy put
        select_scatter slice_scatter unravel_index unsafe_chunk unsafe_split""",
    "_special": """
        i0 igamma igammac polygamma""",
    "_statistics": """
        combinations corrcoef cov cumulative_trapezoid dist frobenius_norm gradient
        histogram is_same_size is_signed nuclear_norm renorm trapezoid trapz vander""",
}
METHODS = {
    "_elementwise": """
        absolute_ acosh acosh_ addbmm_ addmm_ addmv_ addr_ angle arccos_ arccosh
        arccosh_ arcsin_ arcsinh arcsinh_ arctan2_ arctan_ arctanh arctanh_ asinh asinh_
        atanh atanh_ baddbmm_ conj conj_physical conj_physical_ deg2rad deg2rad_ divide_
        fix_ float_power float_power_ frexp gcd gcd_ greater_ greater_equal_ heaviside
        heaviside_ isneginf isposinf isreal lcm lcm_ ldexp ldexp_ less_ less_equal_
        logaddexp2 logit logit_ multiply_ mvlgamma mvlgamma_ negative_ nextafter
        nextafter_ not_equal_ positive rad2deg rad2deg_ resolve_conj resolve_neg sgn
        sgn_ signbit sinc sinc_ subtract_ true_divide_""",
    "_matrices": """
        adjoint cholesky cholesky_inverse cholesky_solve logdet matrix_exp matrix_power
        pinverse qr slogdet svd triangular_solve""",
    "_scatters": """
        apply_ as_strided_scatter cauchy_ diagflat diagonal_scatter fill_diagonal_
        geometric_ index_reduce index_reduce_ is_pinned is_set_to is_shared log_normal_
        map_ narrow_copy new_empty_strided put put_ resize_ resize_as_ select_scatter
        set_ share_memory_ slice_scatter sum_to_size unsafe_chunk unsafe_split""",
    "_special": """
        i0 i0_ igamma igamma_ igammac igammac_ polygamma polygamma_""",
    "_statistics": """
        corrcoef cov dist histogram is_nonzero is_same_size is_signed renorm renorm_""",
    "_storage": """
        storage untyped_storage""",
    "sparse": """
        sparse_mask to_dense to_sparse to_sparse_coo""",
}
PROPERTIES = {
    "_elementwise": """
        imag real""",
    "_matrices": """
        H mH""",
}


def _method(name: str, home: str) -> Any:
    """Imports the file, which registers the method itself, and calls that."""
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        import_module(f"fastnn.{home}")
        return getattr(self, name)(*args, **kwargs)

    method.__name__ = method.__qualname__ = name
    return method


def _property(name: str, home: str) -> property:
    def get(self: Tensor) -> Any:
        import_module(f"fastnn.{home}")
        return getattr(self, name)

    return property(get)


def _polygamma(n: int, x: Tensor) -> Tensor:
    import_module("fastnn._special")  # which puts itself in this function's place
    from fastnn._special import polygamma
    return polygamma(n, x)


use_polygamma(_polygamma)
for _home, _names in METHODS.items():
    for _name in _names.split():
        register(_name, _method(_name, _home))
for _home, _names in PROPERTIES.items():
    for _name in _names.split():
        register(_name, _property(_name, _home))
