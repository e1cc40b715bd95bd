"""A schedule of schedules, and training that is stopped, saved, and resumed from its checkpoint."""

import os
import tempfile

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    ReduceLROnPlateau,
    SequentialLR,
)
from torch.utils.data import DataLoader, Dataset


class Waves(Dataset):
    def __init__(self, n, transform=None):
        self.x = torch.linspace(-3, 3, n).unsqueeze(1)
        self.y = torch.sin(self.x)
        self.transform = transform

    def __len__(self):
        return len(self.x)

    def __getitem__(self, idx):
        if torch.is_tensor(idx):
            idx = idx.tolist()
        sample = {"x": self.x[idx], "y": self.y[idx]}
        if self.transform:
            sample = self.transform(sample)
        return sample


def build():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = optim.SGD([{"params": model[0].parameters()},
                           {"params": model[2].parameters(), "lr": 0.05}],
                          lr=0.1, momentum=0.9, nesterov=True)
    warm = LinearLR(optimizer, start_factor=0.1, total_iters=3)
    cosine = CosineAnnealingLR(optimizer, T_max=17, eta_min=1e-3)
    scheduler = SequentialLR(optimizer, schedulers=[warm, cosine], milestones=[3])
    return model, optimizer, scheduler


def train(model, optimizer, scheduler, epochs, order):
    loader = DataLoader(Waves(64), batch_size=16, shuffle=True, generator=order)
    criterion = nn.MSELoss()
    losses = []
    for _ in epochs:
        running = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = criterion(model(batch["x"]), batch["y"])
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        losses.append(running / len(loader))
    return losses


def main():
    whole = train(*build(), range(20), torch.Generator().manual_seed(5))
    model, optimizer, scheduler = build()
    order = torch.Generator().manual_seed(5)
    first = train(model, optimizer, scheduler, range(8), order)
    path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")
    torch.save({"epoch": 8, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(), "order": order.get_state(),
                "losses": first}, path)

    checkpoint = torch.load(path, map_location="cpu")
    model, optimizer, scheduler = build()
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(0.5)
    result = model.load_state_dict(checkpoint["model"])
    assert str(result) == "<All keys matched successfully>"
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    order = torch.Generator()
    order.set_state(checkpoint["order"])
    losses = checkpoint["losses"] + train(model, optimizer, scheduler, range(8, 20), order)
    assert all(abs(a - b) < 1e-6 for a, b in zip(whole, losses)), "the resumed run is another one"

    plateau = ReduceLROnPlateau(optimizer, "min", factor=0.5, patience=2)
    for _ in range(4):
        plateau.step(losses[-1])
    decay = LambdaLR(optim.Adam(model.parameters(), lr=1.0), lr_lambda=[lambda e: 0.95 ** e])
    assert decay.get_last_lr() == [1.0]
    return losses
