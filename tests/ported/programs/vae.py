"""A variational autoencoder with reparameterised samples."""

import torch
from torch import nn, optim
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 32)
        self.fc21 = nn.Linear(32, 2)
        self.fc22 = nn.Linear(32, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 16), nn.Sigmoid())

    def forward(self, x):
        h = F.relu(self.fc1(x.view(-1, 16)))
        q = Normal(self.fc21(h), torch.exp(0.5 * self.fc22(h)))
        return self.decoder(q.rsample()), q


def main():
    torch.manual_seed(0)
    base = (torch.rand(4, 16) > 0.5).float()
    data = base[torch.randint(0, 4, (256,))]
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        recon, q = model(data)
        bce = F.binary_cross_entropy(recon, data, reduction="sum")
        kld = kl_divergence(q, Normal(torch.zeros_like(q.loc), torch.ones_like(q.scale))).sum()
        loss = (bce + kld) / len(data)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
