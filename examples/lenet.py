"""The net of PyTorch's MNIST example, two convolutions and two dense layers, on Fashion-MNIST."""

import argparse
import sys

import fastnn
from fastnn import nn
from fastnn.cli.progress import Progress
from fastnn.datasets import load_fashion_mnist
from fastnn.nn import functional as F
from fastnn.optim.lr_scheduler import StepLR
from fastnn.utils.data import DataLoader, TensorDataset

MEAN, STD = 0.2860, 0.3530  # of the training pixels, scaled to 0 to 1
QUICK = 3200  # pictures: fifty batches


class Net(nn.Module):
    """(N, 1, 28, 28) to the logarithms of ten probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(64 * 12 * 12, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: fastnn.Tensor) -> fastnn.Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2)).flatten(1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


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
            loss += F.nll_loss(output, target, reduction="sum").item()
            right += (output.argmax(1) == target).sum().item()
            count += len(target)
    model.train()
    return {"loss": loss / count, "accuracy": right / count}


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a few seconds: 3,200 pictures, once")
    options = parser.parse_args(arguments)
    epochs, limit = (1, QUICK) if options.quick else (options.epochs, None)

    fastnn.manual_seed(0)
    try:
        train = DataLoader(load("train", limit), batch_size=64, shuffle=True)
        test = DataLoader(load("test", limit), batch_size=500)
    except FileNotFoundError as error:
        sys.exit(str(error))
    model = Net()
    optimizer = fastnn.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = StepLR(optimizer, step_size=1, gamma=0.7)

    figures = evaluate(model, test)
    progress = Progress(epochs * len(train), quiet=False)
    progress.line(f"untrained  test loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.3f}")
    for epoch in range(epochs):
        for data, target in train:
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            optimizer.step()
            progress.step()
        schedule.step()
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
