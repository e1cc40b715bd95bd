"""L-BFGS: a quasi-Newton method with limited memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastnn
from fastnn.optim._fused import check_lr
from fastnn.optim._line_search import Point, strong_wolfe
from fastnn.optim.optimizer import Optimizer, evaluate

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Steps t d with d = -H g, where H is built from the last history_size changes of g and w.

    step(closure) needs a closure that clears the gradients, computes the loss, calls backward
    and returns the loss; it is called up to max_eval times, for up to max_iter iterations.
    line_search_fn "strong_wolfe" searches along d; None takes t = lr. One group only. State (of
    the first parameter): ``func_evals``, ``n_iter``, ``d``, ``t``, ``old_dirs``, ``old_stps``,
    ``ro``, ``H_diag``, ``prev_flat_grad``, ``prev_loss``. Source: Liu and Nocedal, On the limited
    memory BFGS method, 1989.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _params(self) -> list[Any]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> Any:
        parts = [fastnn.zeros_like(p) if p.grad is None else p.grad for p in self._params()]
        return fastnn.cat([part.reshape(-1) for part in parts])

    def _move(self, t: float, direction: Any) -> None:
        offset = 0
        for p in self._params():
            n = p.numel()
            p.add_(direction[offset : offset + n].view_as(p), alpha=t)
            offset += n

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Iterate until a tolerance or a maximum is reached; returns the first loss."""
        with fastnn.no_grad():
            return _Run(self, closure).go()


class _Run:
    """One call of step: the present loss and gradient, and the state carried between calls."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any]) -> None:
        self.optimizer, self.closure = optimizer, closure
        self.options = optimizer.param_groups[0]
        self.state = optimizer.state[optimizer._params()[0]]
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.evaluations = 0
        self.loss = 0.0
        self.grad: Any = None

    def evaluate(self) -> Any:
        loss = evaluate(self.closure)
        self.loss = float(loss)
        self.grad = self.optimizer._gradient()
        return loss

    def counted(self, n: int) -> None:
        self.evaluations += n
        self.state["func_evals"] += n

    def flat(self) -> bool:
        return bool(self.grad.abs().max().item() <= self.options["tolerance_grad"])

    def go(self) -> Any:
        first = self.evaluate()
        self.counted(1)
        if self.flat():
            return first
        for iteration in range(1, self.options["max_iter"] + 1):
            if not self.iterate(iteration):
                break
        return first

    def iterate(self, iteration: int) -> bool:
        """One direction and one step along it; False ends the run."""
        options, state = self.options, self.state
        state["n_iter"] += 1
        d = state["d"] = self.direction()
        state["prev_flat_grad"] = self.grad.clone()
        before = state["prev_loss"] = self.loss
        t = float(options["lr"])
        if state["n_iter"] == 1:
            t *= min(1.0, 1.0 / self.grad.abs().sum().item())
        state["t"] = t
        slope = self.grad.dot(d).item()
        if slope > -options["tolerance_change"]:
            return False
        if options["line_search_fn"] is None:
            t = self.fixed(t, d, iteration)
        else:
            t = self.searched(t, d, slope)
        state["t"] = t
        return not (
            self.evaluations >= options["max_eval"]
            or self.flat()
            or abs(t) * d.abs().max().item() <= options["tolerance_change"]
            or abs(self.loss - before) < options["tolerance_change"]
        )

    def fixed(self, t: float, d: Any, iteration: int) -> float:
        self.optimizer._move(t, d)
        if iteration != self.options["max_iter"]:  # the last one's loss is the next call's first
            self.evaluate()
            self.counted(1)
        return t

    def searched(self, t: float, d: Any, slope: float) -> float:
        if self.options["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        params = self.optimizer._params()
        origin = [p.clone() for p in params]

        def restore() -> None:
            for p, x in zip(params, origin, strict=True):
                p.copy_(x)

        def at(t: float) -> Point:
            self.optimizer._move(t, d)
            self.evaluate()
            restore()
            return Point(t, self.loss, self.grad, self.grad.dot(d).item())

        start = Point(0.0, self.loss, self.grad, slope)
        left = self.options["max_eval"] - self.evaluations
        found, count = strong_wolfe(at, start, t, d.abs().max().item(), 1e-9, left)
        self.counted(count)
        self.loss, self.grad = found.loss, found.grad
        self.optimizer._move(found.t, d)
        return found.t

    def direction(self) -> Any:
        """-H g by the two-loop recursion over the remembered changes."""
        state = self.state
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -self.grad
        y, s = self.grad - state["prev_flat_grad"], state["d"] * state["t"]
        changes, steps, inverse = state["old_dirs"], state["old_stps"], state["ro"]
        product = y.dot(s).item()
        if product > 1e-10:
            if len(changes) == self.options["history_size"]:
                for remembered in (changes, steps, inverse):
                    remembered.pop(0)
            changes.append(y)
            steps.append(s)
            inverse.append(1.0 / product)
            state["H_diag"] = product / y.dot(y).item()
        q = -self.grad
        weights = []
        for y, s, r in zip(reversed(changes), reversed(steps), reversed(inverse), strict=True):
            weights.append(s.dot(q).item() * r)
            q.add_(y, alpha=-weights[-1])
        q.mul_(state["H_diag"])
        for y, s, r, a in zip(changes, steps, inverse, reversed(weights), strict=True):
            q.add_(s, alpha=a - y.dot(q).item() * r)
        return q
