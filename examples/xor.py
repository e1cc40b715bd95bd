"""XOR: one layer cannot separate it, one hidden layer can.

A single neuron draws one line through the plane, and no line has (0,0), (1,1) on one side and
(0,1), (1,0) on the other: three of four points is the best it can do.
"""

import fastnn
from fastnn import nn

DATA = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
TARGET = [[0.0], [1.0], [1.0], [0.0]]


def train(model: nn.Module, steps: int = 2000) -> tuple[float, float]:
    """Train on the four points; returns the last loss and the share of points that are right."""
    data, target = fastnn.tensor(DATA), fastnn.tensor(TARGET)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = fastnn.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
    right = (model(data) > 0) == (target > 0.5)
    return loss.item(), right.float().mean().item()


def main() -> dict[str, float]:
    fastnn.manual_seed(1)
    loss, one_layer = train(nn.Linear(2, 1))
    print(f"one neuron:    loss {loss:.3f}, {one_layer:.0%} right (ln 2 = 0.693 is guessing)")
    loss, hidden = train(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)))
    print(f"hidden layer:  loss {loss:.3f}, {hidden:.0%} right")
    return {"one_layer": one_layer, "hidden": hidden}


if __name__ == "__main__":
    main()
