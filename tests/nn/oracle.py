"""A module in both engines, with the same weights and inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastnn

# Sums of some tens of terms of size 1 in either order, through a few layers.
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}



def pair(make: Any, dtype: str) -> tuple[Any, Any]:
    """The module in both engines with PyTorch's weights; names and shapes must agree."""
    import torch

    torch.manual_seed(0)
    theirs, ours = make(torch, getattr(torch, dtype)), make(fastnn, getattr(fastnn, dtype))
    with torch.no_grad():
        for p in theirs.parameters():
            if p.dim() == 1:
                p.add_(0.1 * torch.randn_like(p))
    want = [(k, tuple(v.shape)) for k, v in theirs.state_dict().items()]
    assert [(k, tuple(v.shape)) for k, v in ours.state_dict().items()] == want
    assert [k for k, _ in ours.named_modules()] == [k for k, _ in theirs.named_modules()]
    ours.load_state_dict({k: fastnn.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return theirs, ours


def compare(make: Any, call: Any, shapes: list[tuple[int, ...]], dtype: str) -> None:
    """call(module, T, inputs) gives a list of tensors; all of them and all gradients agree."""
    import torch

    theirs, ours = pair(make, dtype)
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(s).astype(dtype) for s in shapes]
    grads: list[list[Any]] = []
    outs: list[list[np.ndarray]] = []
    for T, module in ((torch, theirs), (fastnn, ours)):
        inputs = [T.tensor(v).requires_grad_() for v in values]
        results = call(module, T, inputs)
        r = np.random.default_rng(1)
        weights = [T.tensor(r.standard_normal(tuple(y.shape)).astype(dtype)) for y in results]
        sum((y * w).sum() for y, w in zip(results, weights, strict=True)).backward()
        outs.append([y.detach().numpy() for y in results])
        grads.append([x.grad.numpy() for x in inputs]
                     + [p.grad.numpy() for p in module.parameters()])
    tolerance = TOLERANCE[dtype]
    for a, b in zip(outs[0] + grads[0], outs[1] + grads[1], strict=True):
        size = max(1.0, float(np.abs(a).max(initial=0)))
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * size)
