"""Optimizers and learning-rate schedules on the same net, data and seed."""

from collections.abc import Callable

import fastnn
from fastnn import nn
from fastnn.datasets import load_digits
from fastnn.optim import lr_scheduler
from fastnn.utils.data import DataLoader, TensorDataset

EPOCHS = 8
BATCH = 50

OPTIMIZERS: dict[str, Callable] = {
    "SGD": lambda p: fastnn.optim.SGD(p, lr=0.05),
    "SGD, momentum": lambda p: fastnn.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adagrad": lambda p: fastnn.optim.Adagrad(p, lr=0.05),
    "RMSprop": lambda p: fastnn.optim.RMSprop(p, lr=1e-3),
    "Adam": lambda p: fastnn.optim.Adam(p, lr=2e-3),
}
# Each takes the optimizer and the number of steps, and is stepped after every batch.
SCHEDULES: dict[str, Callable] = {
    "constant": lambda o, n: lr_scheduler.ConstantLR(o, factor=1.0),
    "step": lambda o, n: lr_scheduler.StepLR(o, step_size=n // 3, gamma=0.3),
    "cosine": lambda o, n: lr_scheduler.CosineAnnealingLR(o, T_max=n),
    "one cycle": lambda o, n: lr_scheduler.OneCycleLR(o, max_lr=0.2, total_steps=n),
    "warm-up, then cosine": lambda o, n: lr_scheduler.SequentialLR(
        o,
        [
            lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=n // 10),
            lr_scheduler.CosineAnnealingLR(o, T_max=n - n // 10),
        ],
        milestones=[n // 10],
    ),
}


def train(make_optimizer: Callable, make_schedule: Callable) -> tuple[float, list[float]]:
    """The loss on all digits after training, and the rate at the start of each epoch."""
    fastnn.manual_seed(0)
    digits = load_digits()
    data = TensorDataset(fastnn.tensor(digits.data) / 16, fastnn.tensor(digits.target))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = make_optimizer(model.parameters())
    schedule = make_schedule(optimizer, EPOCHS * len(loader))
    rates = []
    for _ in range(EPOCHS):
        rates.append(schedule.get_last_lr()[0])
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            schedule.step()
    with fastnn.no_grad():
        x, y = data.tensors
        return nn.functional.cross_entropy(model(x), y).item(), rates


def main() -> dict[str, float]:
    results = {}
    for name, optimizer in OPTIMIZERS.items():
        results[name], _ = train(optimizer, SCHEDULES["constant"])
        print(f"{name:22} loss {results[name]:.4f}")
    for name, schedule in SCHEDULES.items():
        results[name], rates = train(OPTIMIZERS["SGD, momentum"], schedule)
        shown = " ".join(f"{rate:.3f}" for rate in rates)
        print(f"{name:22} loss {results[name]:.4f}   rates {shown}")
    return results


if __name__ == "__main__":
    main()
