"""The recipe in four steps, on the 8x8 digits: data, model, loss and optimizer, evaluation."""

import fastnn
from fastnn import nn
from fastnn.datasets import load_digits
from fastnn.metrics import classification_report, confusion_matrix, majority_baseline
from fastnn.utils.data import DataLoader, TensorDataset, random_split

EPOCHS = 20


def load() -> tuple[DataLoader, DataLoader, DataLoader]:
    """Step 1, process the data: split first, then normalise by the training part's figures."""
    digits = load_digits()
    x, y = fastnn.tensor(digits.data), fastnn.tensor(digits.target)
    parts = random_split(range(len(x)), [0.7, 0.15, 0.15], fastnn.Generator().manual_seed(0))
    train = x[list(parts[0])]
    mean, std = train.mean(0), train.std(0).clamp(min=1e-3)  # some pixels are always empty
    sets = [TensorDataset((x[list(p)] - mean) / std, y[list(p)]) for p in parts]
    return (
        DataLoader(sets[0], batch_size=32, shuffle=True),
        DataLoader(sets[1], batch_size=256),
        DataLoader(sets[2], batch_size=256),
    )


def predict(model: nn.Module, loader: DataLoader) -> tuple[list[int], list[int]]:
    """True and predicted classes, in evaluation mode."""
    true: list[int] = []
    predicted: list[int] = []
    model.eval()
    with fastnn.no_grad():
        for data, target in loader:
            true += target.tolist()
            predicted += model(data).argmax(1).tolist()
    model.train()
    return true, predicted


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    true, predicted = predict(model, loader)
    return sum(t == p for t, p in zip(true, predicted, strict=True)) / len(true)


def main() -> dict[str, float]:
    fastnn.manual_seed(0)
    train, validation, test = load()
    # Step 2, define the model
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    # Step 3, choose the function to optimise, and the optimizer
    criterion = nn.CrossEntropyLoss()
    optimizer = fastnn.optim.AdamW(model.parameters(), lr=2e-3)

    for epoch in range(EPOCHS):
        total = 0.0
        for data, target in train:
            optimizer.zero_grad()
            loss = criterion(model(data), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 4:
            print(
                f"epoch {epoch + 1:2d}  loss {total / len(train):.4f}  "
                f"validation accuracy {accuracy(model, validation):.3f}"
            )

    # Step 4, evaluate on data that neither training nor choices have seen, beside a baseline
    true, predicted = predict(model, test)
    result = sum(t == p for t, p in zip(true, predicted, strict=True)) / len(true)
    _, baseline = majority_baseline(true)
    print(classification_report(true, predicted))
    print(confusion_matrix(true, predicted))
    print(f"test accuracy {result:.3f}; always guessing the commonest digit: {baseline:.3f}")
    return {"accuracy": result, "baseline": baseline}


if __name__ == "__main__":
    main()
