"""A siamese net with a triplet loss, and its distances."""

import torch
import torch.nn as nn


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.PReLU(),
                                  nn.Linear(32, 4))

    def forward(self, *xs):
        return [nn.functional.normalize(self.body(x), dim=1) for x in xs]


def main():
    torch.manual_seed(4)
    centres = torch.randn(5, 8)
    net = Embedding()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    criterion = nn.TripletMarginLoss(margin=0.5, swap=True)
    losses = []
    for _ in range(60):
        k = torch.randint(0, 5, (64,))
        other = (k + torch.randint(1, 5, (64,))) % 5
        a, p, n = (centres[i] + 0.4 * torch.randn(64, 8) for i in (k, k, other))
        optimizer.zero_grad()
        loss = criterion(*net(a, p, n))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        e, = net(centres)
        distances = torch.cdist(e, e)
        assert (distances + 9 * torch.eye(5)).min() > 0.3
    return losses
