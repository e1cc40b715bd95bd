"""Overfitting, and four ways against it: dropout, weight decay, early stopping, batch norm.

A wide net learns 300 digits by heart, a fifth of which carry a wrong label; what counts is how it
does on digits that it has not seen.
"""

import copy

import fastnn
from fastnn import nn
from fastnn.datasets import load_digits
from fastnn.utils.data import DataLoader, TensorDataset

EPOCHS = 40
TRAIN = 300
WRONG = 0.2


def load() -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """300 digits with some wrong labels to train, 300 to validate, the rest to test."""
    digits = load_digits()
    g = fastnn.Generator().manual_seed(3)
    order = fastnn.randperm(len(digits.data), generator=g)
    x, y = fastnn.tensor(digits.data)[order], fastnn.tensor(digits.target)[order]
    mean, std = x[:TRAIN].mean(0), x[:TRAIN].std(0).clamp(min=0.5)
    x = (x - mean) / std
    wrong = fastnn.rand(TRAIN, generator=g) < WRONG
    y[:TRAIN][wrong] = fastnn.randint(0, 10, (int(wrong.sum()),), generator=g)
    cuts = (slice(0, TRAIN), slice(TRAIN, TRAIN + 300), slice(TRAIN + 300, None))
    train, validation, test = (TensorDataset(x[cut], y[cut]) for cut in cuts)
    return train, validation, test


def net(dropout: float = 0.0, batch_norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    for size in (64, 256):
        layers.append(nn.Linear(size, 256))
        if batch_norm:
            layers.append(nn.BatchNorm1d(256))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(256, 10))


def score(model: nn.Module, data: TensorDataset) -> tuple[float, float]:
    """Loss and accuracy in evaluation mode."""
    x, y = data.tensors
    model.eval()
    with fastnn.no_grad():
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y).item()
        accuracy = (logits.argmax(1) == y).float().mean().item()
    model.train()
    return loss, accuracy


def train(
    model: nn.Module,
    data: TensorDataset,
    validation: TensorDataset,
    weight_decay: float = 0.0,
    patience: int | None = None,
) -> int:
    """Train; with patience stop that many epochs after the best validation loss, and go back to
    the weights of that epoch. Returns the epochs taken."""
    optimizer = fastnn.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=weight_decay)
    loader = DataLoader(data, batch_size=25, shuffle=True)
    best, best_epoch, best_state = float("inf"), 0, None
    for epoch in range(1, EPOCHS + 1):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        loss, _ = score(model, validation)
        if loss < best:
            best, best_epoch, best_state = loss, epoch, copy.deepcopy(model.state_dict())
        if patience is not None and epoch - best_epoch >= patience:
            break
    if patience is not None:
        model.load_state_dict(best_state)
    return epoch


VARIANTS = {
    "nothing": ({}, {}),
    "dropout": ({"dropout": 0.6}, {}),
    "weight decay": ({}, {"weight_decay": 2.0}),
    "early stopping": ({}, {"patience": 5}),
    "batch norm": ({"batch_norm": True}, {}),
}


def main() -> dict[str, dict[str, float]]:
    training, validation, test = load()
    results = {}
    print(f"{'':16}{'epochs':>7}{'train loss':>12}{'test loss':>11}{'test accuracy':>15}")
    for name, (model_options, train_options) in VARIANTS.items():
        fastnn.manual_seed(0)
        model = net(**model_options)
        epochs = train(model, training, validation, **train_options)
        train_loss, _ = score(model, training)
        loss, accuracy = score(model, test)
        print(f"{name:16}{epochs:7d}{train_loss:12.4f}{loss:11.4f}{accuracy:15.3f}")
        results[name] = {
            "epochs": epochs, "train_loss": train_loss, "loss": loss, "accuracy": accuracy
        }
    return results


if __name__ == "__main__":
    main()
