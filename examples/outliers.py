"""Regression with outliers: the squared error follows them, the absolute and Huber errors do not.

The line is y = 2 x + 1 with a little noise; one sample in ten is off by 20.
"""

import fastnn
from fastnn import nn

LOSSES = {
    "mean squared": nn.MSELoss(),
    "mean absolute": nn.L1Loss(),
    "Huber": nn.HuberLoss(),
}


def main() -> dict[str, tuple[float, float]]:
    g = fastnn.Generator().manual_seed(0)
    x = fastnn.rand(200, 1, generator=g) * 4 - 2
    y = 2 * x + 1 + 0.1 * fastnn.randn(200, 1, generator=g)
    y[::10] += 20
    lines = {}
    for name, criterion in LOSSES.items():
        fastnn.manual_seed(0)
        model = nn.Linear(1, 1)
        optimizer = fastnn.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(1000):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
        slope, offset = model.weight.item(), model.bias.item()
        print(f"{name:14} y = {slope:.2f} x + {offset:.2f}")
        lines[name] = (slope, offset)
    return lines


if __name__ == "__main__":
    main()
