"""An imbalanced set: one positive in fifty. Accuracy looks fine and says nothing.

The remedies: weigh the rare class in the loss, or show it more often (WeightedRandomSampler).
"""

import fastnn
from fastnn import nn
from fastnn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    majority_baseline,
    precision_score,
    recall_score,
)
from fastnn.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

RARE = 0.02


def make(n: int, seed: int) -> TensorDataset:
    """Two overlapping clouds in the plane; the rare class is the one around (1.5, 1.5)."""
    g = fastnn.Generator().manual_seed(seed)
    y = (fastnn.rand(n, generator=g) < RARE).long()
    x = fastnn.randn(n, 2, generator=g) + 1.5 * y.float().unsqueeze(1)
    return TensorDataset(x, y)


def train(data: TensorDataset, sampler=None, weight=None) -> nn.Module:
    fastnn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    criterion = nn.CrossEntropyLoss(weight=weight)
    optimizer = fastnn.optim.Adam(model.parameters(), lr=5e-3)
    loader = DataLoader(data, batch_size=64, sampler=sampler, shuffle=sampler is None)
    for _ in range(5):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    return model


def main() -> dict[str, dict[str, float]]:
    data, test = make(4000, 0), make(4000, 1)
    labels = data.tensors[1]
    counts = fastnn.tensor([(labels == c).sum().item() for c in (0, 1)])
    per_class = len(data) / (2.0 * counts.double())  # 1 for balanced classes
    sampler = WeightedRandomSampler(
        per_class[labels], len(data), generator=fastnn.Generator().manual_seed(2)
    )
    models = {
        "as it is": train(data),
        "class weights": train(data, weight=per_class.float()),
        "weighted sampler": train(data, sampler=sampler),
    }
    true = test.tensors[1].tolist()
    results = {}
    print(f"always the common class: accuracy {majority_baseline(true)[1]:.3f}, recall 0")
    for name, model in models.items():
        with fastnn.no_grad():
            predicted = model(test.tensors[0]).argmax(1).tolist()
        results[name] = {
            "accuracy": accuracy_score(true, predicted),
            "precision": precision_score(true, predicted, zero_division=0),
            "recall": recall_score(true, predicted, zero_division=0),
            "f1": f1_score(true, predicted, zero_division=0),
        }
        figures = "  ".join(f"{key} {value:.3f}" for key, value in results[name].items())
        print(f"{name:17} {figures}   confusion {confusion_matrix(true, predicted).tolist()}")
    return results


if __name__ == "__main__":
    main()
