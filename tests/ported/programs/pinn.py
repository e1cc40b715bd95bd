"""A physics-informed net for Burgers' equation: derivatives of the net in its loss."""

import math

import torch
import torch.nn as nn
from torch.autograd import grad


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.activation = nn.Tanh()
        self.linears = nn.ModuleList([nn.Linear(layers[i], layers[i + 1])
                                      for i in range(len(layers) - 1)])
        for i in range(len(layers) - 1):
            nn.init.xavier_normal_(self.linears[i].weight.data, gain=1.0)
            nn.init.zeros_(self.linears[i].bias.data)

    def forward(self, x, t):
        a = torch.cat([x, t], dim=1)
        for linear in self.linears[:-1]:
            a = self.activation(linear(a))
        return self.linears[-1](a)

    def residual(self, x, t, nu=0.01 / math.pi):
        u = self(x, t)
        u_t = grad(u, t, torch.ones_like(u), retain_graph=True, create_graph=True)[0]
        u_x = grad(u.sum(), x, create_graph=True)[0]
        u_xx = grad(u_x, x, grad_outputs=torch.ones_like(u_x), create_graph=True)[0]
        return u_t + u * u_x - nu * u_xx


def main():
    torch.manual_seed(11)
    torch.set_default_dtype(torch.float64)
    try:
        net = PINN([2, 16, 16, 1])
        x = (torch.rand(60, 1) * 2 - 1).requires_grad_()
        t = torch.rand(60, 1, requires_grad=True)
        x0 = torch.linspace(-1, 1, 30).view(-1, 1)
        u0 = -torch.sin(math.pi * x0)
        t0 = torch.zeros_like(x0)
        edge = torch.rand(20, 1)
        sides = torch.cat([torch.ones(10, 1), -torch.ones(10, 1)])
        optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=60, max_eval=80,
                                      history_size=20, tolerance_grad=1e-9,
                                      tolerance_change=1e-12, line_search_fn="strong_wolfe")
        losses = []

        def closure():
            optimizer.zero_grad()
            loss = (net.residual(x, t).pow(2).mean() + (net(x0, t0) - u0).square().mean()
                    + net(sides, edge).square().mean())
            loss.backward()
            losses.append(loss.item())
            return loss

        optimizer.step(closure)
    finally:
        torch.set_default_dtype(torch.float32)
    return losses
