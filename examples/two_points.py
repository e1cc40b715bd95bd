"""The smallest training there is: two points, a net 2-8-1, binary cross-entropy, SGD.

d1 = [0.9, -0.2] belongs to class 0, d2 = [0.75, 0.6] to class 1.
"""

import fastnn
from fastnn import nn

STEPS = 4000


def main() -> dict[str, float]:
    fastnn.manual_seed(0)
    data = fastnn.tensor([[0.9, -0.2], [0.75, 0.6]])
    target = fastnn.tensor([[0.0], [1.0]])

    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
    criterion = nn.BCELoss()
    optimizer = fastnn.optim.SGD(model.parameters(), lr=0.01)

    for step in range(STEPS):
        optimizer.zero_grad()
        prediction = model(data)
        loss = criterion(prediction, target)
        loss.backward()
        optimizer.step()
        if step % 1000 == 0:
            print(f"step {step:5d}  loss {loss.item():.4f}")

    with fastnn.no_grad():
        p1, p2 = model(data).flatten().tolist()
    print(f"P(class 1): d1 {p1:.3f}, d2 {p2:.3f}")
    return {"loss": loss.item(), "p1": p1, "p2": p2}


if __name__ == "__main__":
    main()
