"""An activation of one's own, in two ways: of tensor operations, and with its own derivative.

squareplus(x) = (x + sqrt(x**2 + 4)) / 2 is a smooth ReLU; its derivative is
(1 + x / sqrt(x**2 + 4)) / 2.
"""

import fastnn
from fastnn import nn


class Squareplus(nn.Module):
    """Composed: the derivative comes from the operations."""

    def forward(self, x):
        return (x + (x * x + 4).sqrt()) / 2


class SquareplusFunction(fastnn.autograd.Function):
    """By hand: forward keeps what backward needs."""

    @staticmethod
    def forward(ctx, x):
        root = (x * x + 4).sqrt()
        ctx.save_for_backward(x, root)
        return (x + root) / 2

    @staticmethod
    def backward(ctx, dy):
        x, root = ctx.saved_tensors
        return dy * (1 + x / root) / 2


def main() -> dict[str, float]:
    x = fastnn.linspace(-3, 3, 7, dtype=fastnn.float64, requires_grad=True)
    gradients = []
    for activation in (Squareplus(), SquareplusFunction.apply):
        (dx,) = fastnn.autograd.grad(activation(x).sum(), x)
        gradients.append(dx)
    difference = (gradients[0] - gradients[1]).abs().max().item()
    print("x          ", x.tolist())
    print("derivative ", [round(g, 4) for g in gradients[0].tolist()])
    print("the two ways differ by", difference)
    assert fastnn.autograd.gradcheck(SquareplusFunction.apply, (x,))

    fastnn.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 16), Squareplus(), nn.Linear(16, 1))
    optimizer = fastnn.optim.Adam(model.parameters(), lr=0.02)
    t = fastnn.linspace(-1, 1, 64).unsqueeze(1)
    for _ in range(500):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(t), t * t)
        loss.backward()
        optimizer.step()
    print(f"fitting t**2 with it: loss {loss.item():.6f}")
    return {"difference": difference, "loss": loss.item()}


if __name__ == "__main__":
    main()
