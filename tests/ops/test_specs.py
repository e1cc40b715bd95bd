"""What every record promises: values, derivatives, views, threads, instruction sets, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn._core import runtime
from fastnn.autograd import gradcheck, gradgradcheck
from tests.ops.spec import EPS, Arg, Sample, Spec, resolve
from tests.ops.specs import SPECS

CASES = [pytest.param(s, c, d, id=f"{s.name}-{i}-{d}")
         for s in SPECS for d in s.dtypes for i, c in enumerate(s.samples)]
NUMPY_CASES = [case for case in CASES if case.values[0].reference is not None]
TORCH_CASES = [case for case in CASES if case.values[0].torch is not None]


def to_tensors(values: Any) -> Any:
    if isinstance(values, (np.ndarray, np.generic)):
        return fastnn.tensor(values)
    if isinstance(values, (list, tuple)) and any(isinstance(v, np.ndarray) for v in values):
        return type(values)(to_tensors(v) for v in values)
    return values


def call(spec: Spec, args: Any, kwargs: Any) -> list[np.ndarray]:
    got = resolve(spec.function, fastnn)(*[to_tensors(a) for a in args],
                                         **{k: to_tensors(v) for k, v in kwargs.items()})
    return arrays(got)


def arrays(got: Any) -> list[np.ndarray]:
    many = got if isinstance(got, (tuple, list)) else [got]
    return [np.array(g.detach().numpy()) if hasattr(g, "detach") else np.array(g) for g in many]


def as_float64(values: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return values.astype(np.float64)
    if isinstance(values, (list, tuple)) and any(isinstance(v, np.ndarray) for v in values):
        return [as_float64(v) for v in values]
    return values


def check_close(got: np.ndarray, want: Any, ulp: float, floor: float) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    if got.dtype.kind != "f":
        assert np.array_equal(got, want.astype(got.dtype))
        return
    want = want.astype(np.float64)
    tiny = float(np.finfo(got.dtype).tiny)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = want.astype(got.dtype)
        same |= got == rounded
        bound = ulp * EPS[got.dtype.name] * np.maximum(np.abs(want), max(floor, tiny))
        wrong = ~same & ~(np.abs(got.astype(np.float64) - want) <= bound)
    assert not wrong.any(), (
        f"{wrong.sum()} of {wrong.size} differ: got {got[wrong][:4]}, expected {want[wrong][:4]}, "
        f"bound {bound[wrong][:4]}")


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_each_record_names_an_oracle(spec: Spec) -> None:
    assert spec.reference is not None or spec.torch is not None


@pytest.mark.parametrize("spec, case, dtype", NUMPY_CASES)
def test_values_are_those_of_the_reference(spec: Spec, case: Sample, dtype: str) -> None:
    args, kwargs = case.draw(dtype)
    got = call(spec, args, kwargs)
    with np.errstate(all="ignore"):
        want = spec.reference(*[as_float64(a) for a in args],
                              **{k: as_float64(v) for k, v in kwargs.items()})
    want = list(want) if isinstance(want, (tuple, list)) else [want]
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        check_close(g, w, spec.ulp, spec.floor)


@pytest.mark.parametrize("spec, case, dtype", TORCH_CASES)
def test_values_shapes_dtypes_and_strides_are_those_of_torch(spec: Spec, case: Sample,
                                                             dtype: str) -> None:
    torch = pytest.importorskip("torch")
    args, kwargs = case.draw(dtype)

    def convert(v: Any) -> Any:
        if isinstance(v, np.ndarray):
            return torch.from_numpy(v.copy())
        if isinstance(v, (list, tuple)) and any(isinstance(x, np.ndarray) for x in v):
            return type(v)(convert(x) for x in v)
        return getattr(torch, v.name) if isinstance(v, fastnn.dtype) else v

    path = spec.function if spec.torch == "same" else spec.torch
    theirs = resolve(path, torch)(*[convert(a) for a in args],
                                  **{k: convert(v) for k, v in kwargs.items()})
    ours = resolve(spec.function, fastnn)(*[to_tensors(a) for a in args],
                                          **{k: to_tensors(v) for k, v in kwargs.items()})
    ours = ours if isinstance(ours, (tuple, list)) else [ours]
    theirs = theirs if isinstance(theirs, (tuple, list)) else [theirs]
    assert len(ours) == len(theirs)
    ulp = spec.ulp * 2 + 4 if spec.torch_ulp is None else spec.torch_ulp
    for a, b in zip(ours, theirs, strict=True):
        if not hasattr(a, "detach"):
            assert a == b
            continue
        assert str(a.dtype).split(".")[1] == str(b.dtype).split(".")[1]
        check_close(np.array(a.detach().numpy()), b.detach().numpy(), ulp, spec.floor)


GRAD_CASES = [pytest.param(s, c, id=f"{s.name}-{i}")
              for s in SPECS if s.grad for i, c in enumerate(s.samples) if c.smooth]


def differentiable_inputs(case: Sample) -> tuple[list[Any], Any]:
    """The tensors to differentiate by, and a function that puts them back into the call."""
    args, kwargs = case.draw("float64")
    inputs: list[Any] = []

    def lift(template: Any, value: Any) -> Any:
        if isinstance(template, Arg):
            t = fastnn.tensor(value)
            if template.differentiable:
                inputs.append(t.requires_grad_())
                return len(inputs) - 1, "slot"
            return t
        if isinstance(template, list) and template and isinstance(template[0], Arg):
            return [lift(a, b) for a, b in zip(template, value, strict=True)]
        return value

    shape_args = [lift(a, v) for a, v in zip(case.args, args, strict=True)]
    shape_kwargs = {k: lift(case.kwargs[k], v) for k, v in kwargs.items()}

    def fill(x: Any, given: Any) -> Any:
        if isinstance(x, tuple) and len(x) == 2 and x[1] == "slot":
            return given[x[0]]
        if isinstance(x, list):
            return [fill(y, given) for y in x]
        return x

    def build(given: Any) -> tuple[list[Any], dict[str, Any]]:
        return [fill(a, given) for a in shape_args], {k: fill(v, given)
                                                      for k, v in shape_kwargs.items()}
    return inputs, build


@pytest.mark.parametrize("spec, case", GRAD_CASES)
def test_derivatives_agree_with_differences(spec: Spec, case: Sample) -> None:
    inputs, build = differentiable_inputs(case)
    function = resolve(spec.function, fastnn)

    def f(*given: Any) -> Any:
        args, kwargs = build(given)
        return function(*args, **kwargs)

    assert inputs, "a record with grad=True needs a differentiable argument in every sample"
    gradcheck(f, inputs)
    if spec.second and sum(t.numel() for t in inputs) <= 80:  # its cost grows with the square
        gradgradcheck(f, inputs)


def variants(a: np.ndarray) -> list[tuple[str, Any]]:
    """The same values under other geometries."""
    out: list[tuple[str, Any]] = []
    if a.ndim >= 2:
        out.append(("transposed", fastnn.tensor(np.ascontiguousarray(a.T)).permute(
            *range(a.ndim - 1, -1, -1))))
    if a.ndim >= 1:
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)
        wide[..., 1::2] = a
        out.append(("sliced", fastnn.from_numpy(wide[..., 1::2])))
        out.append(("negative", fastnn.from_numpy(np.ascontiguousarray(a[..., ::-1])[..., ::-1])))
        padded = np.zeros(a.size + 1, a.dtype)
        padded[1:] = a.reshape(-1)
        out.append(("unaligned", fastnn.from_numpy(padded[1:].reshape(a.shape))))
    return out


@pytest.mark.parametrize("spec", [s for s in SPECS if s.views], ids=str)
def test_views_give_what_copies_give(spec: Spec) -> None:
    function = resolve(spec.function, fastnn)
    dtype = spec.dtypes[0]
    for case in spec.samples:
        args, kwargs = case.draw(dtype)
        lifted = {k: to_tensors(v) for k, v in kwargs.items()}
        want = arrays(function(*[to_tensors(a) for a in args], **lifted))
        for k, template in enumerate(case.args):
            if not isinstance(template, Arg):
                continue
            for name, view in variants(args[k]):
                changed = [view if i == k else to_tensors(a) for i, a in enumerate(args)]
                got = arrays(function(*changed, **lifted))
                assert len(got) == len(want), name
                for g, w in zip(got, want, strict=True):
                    check_close(g, w, 2 * spec.ulp, spec.floor)


@pytest.fixture
def restore_runtime():
    threads, isa = runtime.get_num_threads(), runtime.isa()
    yield
    runtime.set_num_threads(threads)
    runtime.set_isa(isa)


@pytest.mark.parametrize("spec", [s for s in SPECS if not s.host], ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(spec: Spec, restore_runtime: None) -> None:
    case = spec.samples[len(spec.samples) // 2]
    for dtype in spec.dtypes:
        args, kwargs = case.draw(dtype)
        runtime.set_num_threads(1)
        want = call(spec, args, kwargs)
        for threads in (2, 3, 4, 7, 8):
            runtime.set_num_threads(threads)
            for g, w in zip(call(spec, args, kwargs), want, strict=True):
                assert g.tobytes() == w.tobytes(), f"{threads} threads"


def available_isas() -> list[str]:
    before, found = runtime.isa(), []
    for name in ("base", "avx2", "avx512", "neon"):
        try:
            runtime.set_isa(name)
            found.append(name)
        except ValueError:
            continue
    runtime.set_isa(before)
    return found


@pytest.mark.parametrize("spec", [s for s in SPECS if not s.host and s.reference], ids=str)
def test_every_instruction_set_is_right(spec: Spec, restore_runtime: None) -> None:
    for dtype in spec.dtypes:
        for case in spec.samples:
            args, kwargs = case.draw(dtype)
            bits = {}
            for name in available_isas():
                runtime.set_isa(name)
                got = call(spec, args, kwargs)
                bits[name] = [g.tobytes() for g in got]
                with np.errstate(all="ignore"):
                    want = spec.reference(*[as_float64(a) for a in args],
                                          **{k: as_float64(v) for k, v in kwargs.items()})
                want = list(want) if isinstance(want, (tuple, list)) else [want]
                for g, w in zip(got, want, strict=True):
                    check_close(g, w, spec.ulp, spec.floor)
            if spec.isa_exact and "avx2" in bits and "avx512" in bits:
                assert bits["avx2"] == bits["avx512"], "avx2 and avx512 differ"


ERRORS = [pytest.param(s, e, id=f"{s.name}-{i}") for s in SPECS for i, e in enumerate(s.errors)]


@pytest.mark.parametrize("spec, error", ERRORS)
def test_bad_arguments_are_refused(spec: Spec, error: Any) -> None:
    with pytest.raises(error.kind, match=error.match):
        resolve(spec.function, fastnn)(*[to_tensors(a) for a in error.args],
                                       **{k: to_tensors(v) for k, v in error.kwargs.items()})
