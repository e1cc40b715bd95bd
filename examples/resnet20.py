"""ResNet-20 (He et al. 2015) on Fashion-MNIST: momentum, weight decay, and one cycle of rates."""

import argparse
import sys

import fastnn
from fastnn import nn
from fastnn.cli.progress import Progress
from fastnn.datasets import load_fashion_mnist
from fastnn.nn import functional as F
from fastnn.optim.lr_scheduler import OneCycleLR
from fastnn.utils.data import DataLoader, TensorDataset

MEAN, STD = 0.2860, 0.3530  # of the training pixels, scaled to 0 to 1
QUICK = 1920  # pictures: sixty batches of 32


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: fastnn.Tensor) -> fastnn.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet20() -> nn.Sequential:
    """(N, 1, 28, 28) to ten logits: 20 layers in three stages of 16, 32 and 64 channels."""
    layers = [nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    before = 16
    for after, stride in ((16, 1), (32, 2), (64, 2)):
        for index in range(3):
            layers.append(Block(before, after, stride if index == 0 else 1))
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def load(split: str, limit: int | None) -> TensorDataset:
    """The first pictures of one part (all: None), normalised."""
    data, target, *_ = load_fashion_mnist(split)
    x = (fastnn.tensor(data[:limit]) / 255 - MEAN) / STD
    return TensorDataset(x.view(-1, 1, 28, 28), fastnn.tensor(target[:limit]))


def evaluate(model: nn.Module, loader: DataLoader) -> dict[str, float]:
    """Mean loss and accuracy, in evaluation mode."""
    loss = right = count = 0.0
    model.eval()
    with fastnn.no_grad():
        for data, target in loader:
            output = model(data)
            loss += F.cross_entropy(output, target, reduction="sum").item()
            right += (output.argmax(1) == target).sum().item()
            count += len(target)
    model.train()
    return {"loss": loss / count, "accuracy": right / count}


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--pictures", type=int, help="train on the first so many alone")
    parser.add_argument("--quick", action="store_true", help="a few seconds: 1,920 pictures, once")
    options = parser.parse_args(arguments)
    epochs, limit, size = options.epochs, options.pictures, 64
    if options.quick:  # smaller batches: the running statistics need steps to settle
        epochs, limit, size = 1, QUICK, 32

    fastnn.manual_seed(0)
    try:
        train = DataLoader(load("train", limit), batch_size=size, shuffle=True, drop_last=True)
        test = DataLoader(load("test", QUICK if options.quick else None), batch_size=500)
    except FileNotFoundError as error:
        sys.exit(str(error))
    model = resnet20()
    rate = 0.1 * size / 64
    optimizer = fastnn.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    schedule = OneCycleLR(optimizer, max_lr=rate, total_steps=epochs * len(train))

    progress = Progress(epochs * len(train), quiet=False)
    for epoch in range(epochs):
        for data, target in train:
            optimizer.zero_grad()
            F.cross_entropy(model(data), target).backward()
            optimizer.step()
            schedule.step()
            progress.step()
        figures = evaluate(model, test)
        progress.line(
            f"epoch {epoch + 1:3d}  test loss {figures['loss']:.4f}  "
            f"accuracy {figures['accuracy']:.3f}"
        )
    progress.close()
    print(f"test accuracy: {figures['accuracy']:.1%}")
    return figures


if __name__ == "__main__":
    main()
