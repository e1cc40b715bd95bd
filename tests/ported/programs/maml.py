"""Model-agnostic meta-learning of sines: gradients through gradient steps."""

import random

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.func import functional_call


class SineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(),
                                 nn.Linear(24, 1))

    def forward(self, x):
        return self.net(x)


def task():
    amplitude, phase = random.uniform(1.0, 3.0), random.uniform(0, 1.0)

    def sample(n):
        x = torch.rand(n, 1) * 6 - 3
        return x, amplitude * torch.sin(x + phase)
    return sample


def adapt(model, params, x, y, steps, lr=0.02, create_graph=True):
    for _ in range(steps):
        loss = F.mse_loss(functional_call(model, params, (x,)), y)
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=create_graph)
        params = {name: p - lr * g for (name, p), g in zip(params.items(), grads)}
    return params


def main():
    torch.manual_seed(7)
    random.seed(7)
    model = SineNet()
    meta = optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        meta_loss = 0.0
        for _ in range(4):
            sample = task()
            fast = adapt(model, dict(model.named_parameters()), *sample(10), steps=2)
            x, y = sample(20)
            meta_loss = meta_loss + F.mse_loss(functional_call(model, fast, (x,)), y)
        meta.zero_grad()
        (meta_loss / 4).backward()
        meta.step()
        losses.append(meta_loss.item() / 4)
    smooth = torch.tensor(losses).unfold(0, 10, 1).mean(dim=1)
    start = {k: v.detach().requires_grad_() for k, v in model.named_parameters()}
    x, y = task()(10)
    before = F.mse_loss(functional_call(model, start, (x,)), y)
    after = F.mse_loss(functional_call(model, adapt(model, start, x, y, 5, create_graph=False),
                                       (x,)), y)
    assert after.item() < before.item()
    return smooth.tolist()
