"""Derivatives checked against differences of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn._core.backward import grad
from fastnn._core.convert import from_numpy
from fastnn._core.tensor import Tensor
from fastnn.autograd import enable_grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative that differs from the difference quotient."""


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    return [o for o in _tuple(func(*inputs)) if isinstance(o, Tensor) and o.is_floating_point()]


def _numerical(func: Callable[..., Any], inputs: list[Any], which: int,
               eps: float) -> list[np.ndarray]:
    """d output[k] / d inputs[which], as (elements of input, elements of output) each."""
    value = np.array(inputs[which].detach().numpy())
    rows: list[list[np.ndarray]] = []

    def at(flat: np.ndarray) -> list[np.ndarray]:
        moved = list(inputs)
        moved[which] = from_numpy(flat.reshape(value.shape)).requires_grad_()
        return [np.array(o.detach().numpy()).reshape(-1) for o in _outputs(func, moved)]

    for i in range(value.size):
        up, down = value.reshape(-1).copy(), value.reshape(-1).copy()
        up[i] += eps
        down[i] -= eps
        rows.append([(a - b) / (2 * eps) for a, b in zip(at(up), at(down), strict=True)])
    outputs = _outputs(func, inputs)
    return [np.array([row[k] for row in rows]).reshape(value.size, o.numel())
            for k, o in enumerate(outputs)]


def _analytical(output: Tensor, wrt: Tensor) -> np.ndarray:
    """d output / d wrt by one backward pass per element of the output."""
    columns = []
    for j in range(output.numel()):
        seed = np.zeros(tuple(output.shape))
        seed.reshape(-1)[j] = 1
        (g,) = grad(output, wrt, from_numpy(seed.astype(output.dtype.name)), retain_graph=True,
                    allow_unused=True)
        columns.append(np.zeros(wrt.numel()) if g is None else
                       np.array(g.detach().numpy()).reshape(-1))
    return np.array(columns).T.reshape(wrt.numel(), output.numel())


def gradcheck(func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
              check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
              check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
              check_forward_ad: bool = False, check_backward_ad: bool = True,
              fast_mode: bool = False, masked: bool | None = None) -> bool:
    """Whether func's derivatives agree with central differences.

    |analytical - (f(x + eps) - f(x - eps)) / (2 eps)| <= atol + rtol |numerical|, for every
    element of every floating-point output and every input that requires grad. Inputs should be
    float64. Raises GradcheckError (or returns False). The options behind nondet_tol are accepted:
    every element is always checked, backward.
    """
    args = list(_tuple(inputs))
    checked = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
    if not checked:
        raise ValueError("gradcheck: no input requires grad")
    with enable_grad():
        outputs = _outputs(func, args)
        for i in checked:
            wanted = _numerical(func, args, i, eps)
            for k, output in enumerate(outputs):
                got = (_analytical(output, args[i]) if output.requires_grad
                       else np.zeros_like(wanted[k]))
                again = _analytical(output, args[i]) if output.requires_grad else got
                fault = None
                if not np.allclose(got, wanted[k], rtol, atol, equal_nan=False):
                    fault = f"analytical\n{got}\nnumerical\n{wanted[k]}"
                elif np.abs(got - again).max(initial=0.0) > nondet_tol:
                    fault = "two backward passes differ"
                if fault:
                    if not raise_exception:
                        return False
                    raise GradcheckError(f"d output {k} / d input {i}: {fault}")
    return True


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *,
                  eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
                  gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
                  nondet_tol: float = 0.0, check_undefined_grad: bool = True,
                  check_grad_dtypes: bool = False, check_batched_grad: bool = False,
                  check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
                  fast_mode: bool = False, masked: bool = False) -> bool:
    """Whether the derivatives of func's derivatives agree with central differences.

    The options that gradcheck accepts are accepted here, and those of other modes.
    """
    args = list(_tuple(inputs))
    checked = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
    outputs = _outputs(func, args)
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        seeds = [from_numpy(rng.standard_normal(tuple(o.shape))).to(dtype=o.dtype)
                 for o in outputs]
    else:
        seeds = list(_tuple(grad_outputs))
    seeds = [s.detach().requires_grad_() for s in seeds]

    def first(*given: Any) -> tuple[Tensor, ...]:
        values, weights = list(given[:len(args)]), given[len(args):]
        made = _outputs(func, values)
        pairs = [(o, w) for o, w in zip(made, weights, strict=True) if o.requires_grad]
        return tuple(g for g in grad([o for o, _ in pairs], [values[i] for i in checked],
                                     [w for _, w in pairs], create_graph=True, allow_unused=True)
                     if g is not None)

    return gradcheck(first, [*args, *seeds], eps=eps, atol=atol, rtol=rtol,
                     raise_exception=raise_exception, nondet_tol=nondet_tol)
