"""A normalizing flow of affine couplings, and a mixture density net, by torch.distributions."""

import math

import numpy as np
import torch
import torch.distributions as D
import torch.nn as nn
import torch.nn.functional as F


class Coupling(nn.Module):
    def __init__(self, mask, hidden=24):
        super().__init__()
        self.mask = nn.Parameter(mask, requires_grad=False)
        self.s = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2),
                               nn.Tanh())
        self.t = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2))

    def forward(self, x):
        fixed = self.mask * x
        s, t = self.s(fixed) * (1 - self.mask), self.t(fixed) * (1 - self.mask)
        return fixed + (1 - self.mask) * (x * torch.exp(s) + t), s.sum(dim=1)

    def inverse(self, z):
        fixed = self.mask * z
        s, t = self.s(fixed) * (1 - self.mask), self.t(fixed) * (1 - self.mask)
        return (1 - self.mask) * (z - t) * torch.exp(-s) + fixed


class RealNVP(nn.Module):
    def __init__(self, n):
        super().__init__()
        masks = torch.from_numpy(np.array([[0, 1], [1, 0]] * (n // 2)).astype(np.float32))
        self.layers = nn.ModuleList([Coupling(m) for m in masks])
        self.prior = D.MultivariateNormal(torch.zeros(2), torch.eye(2))

    def log_prob(self, x):
        log_det = x.new_zeros(x.shape[0])
        for layer in self.layers:
            x, d = layer(x)
            log_det += d
        return self.prior.log_prob(x) + log_det

    def sample(self, n):
        z = self.prior.sample((n,))
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


class MDN(nn.Module):
    def __init__(self, hidden=20, k=3):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, hidden), nn.Tanh())
        self.z_pi, self.z_mu = nn.Linear(hidden, k), nn.Linear(hidden, k)
        self.z_sigma = nn.Linear(hidden, k)

    def forward(self, x):
        h = self.z_h(x)
        components = D.Normal(self.z_mu(h), F.softplus(self.z_sigma(h)) + 1e-3)
        return D.MixtureSameFamily(D.Categorical(logits=self.z_pi(h)), components)


def main():
    torch.manual_seed(13)
    angle = torch.rand(512) * math.pi
    x = torch.stack([angle.cos() * 2, angle.sin() * 2 - 1], dim=1) + 0.1 * torch.randn(512, 2)
    flow = RealNVP(4)
    optimizer = torch.optim.Adam([p for p in flow.parameters() if p.requires_grad], lr=5e-3)
    losses = []
    for _ in range(150):
        optimizer.zero_grad(set_to_none=True)
        loss = -flow.log_prob(x).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        s = flow.sample(256)
        assert s.shape == (256, 2) and (s.mean(0) - x.mean(0)).abs().max() < 0.4

    y = torch.linspace(-1, 1, 200).unsqueeze(1)
    x = y + 0.3 * torch.sin(2 * math.pi * y) + 0.05 * torch.randn_like(y)
    net = MDN()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    first = None
    for _ in range(100):
        optimizer.zero_grad()
        loss = -net(x).log_prob(y.squeeze(1)).mean()
        loss.backward()
        optimizer.step()
        first = loss.item() if first is None else first
    assert loss.item() < first - 0.5
    squashed = D.TransformedDistribution(D.Normal(torch.zeros(3), torch.ones(3)),
                                         [D.TanhTransform(cache_size=1),
                                          D.AffineTransform(1.0, 2.0)])
    action = squashed.rsample((5,))
    assert torch.isfinite(D.Independent(squashed, 1).log_prob(action)).all()
    return losses
