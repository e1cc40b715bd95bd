"""A Wasserstein GAN with spectral normalisation and a gradient penalty."""

import torch
import torch.nn as nn
from torch import autograd
from torch.nn.utils import spectral_norm


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.2)
        nn.init.constant_(m.bias.data, 0)


def penalty(critic, real, fake):
    alpha = torch.rand(real.size(0), 1).expand_as(real)
    mixed = autograd.Variable(alpha * real + (1 - alpha) * fake, requires_grad=True)
    scores = critic(mixed)
    gradients = autograd.grad(outputs=scores, inputs=mixed, grad_outputs=torch.ones_like(scores),
                              create_graph=True, retain_graph=True, only_inputs=True)[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def main():
    torch.manual_seed(6)
    G = nn.Sequential(nn.Linear(2, 16), nn.ReLU(True), nn.Linear(16, 2))
    D = nn.Sequential(spectral_norm(nn.Linear(2, 16)), nn.LeakyReLU(0.2, inplace=True),
                      nn.Linear(16, 1))
    G.apply(weights_init)
    opt_g = torch.optim.Adam(G.parameters(), lr=1e-2, betas=(0.5, 0.9))
    opt_d = torch.optim.Adam(D.parameters(), lr=1e-2, betas=(0.5, 0.9))
    distances = []
    for _ in range(80):
        for _ in range(3):
            real = torch.randn(64, 2) * 0.1 + torch.tensor([2.0, -1.0])
            with torch.no_grad():
                fake = G(torch.randn(64, 2))
            opt_d.zero_grad()
            loss = D(fake).mean() - D(real).mean() + 1.0 * penalty(D, real, fake)
            loss.backward()
            opt_d.step()
        for p in D.parameters():
            p.requires_grad_(False)
        opt_g.zero_grad()
        fake = G(torch.randn(64, 2))
        (-D(fake).mean()).backward()
        opt_g.step()
        for p in D.parameters():
            p.requires_grad_(True)
        distances.append((fake.detach().mean(0) - torch.tensor([2.0, -1.0])).norm().item())
    return [distances[0], sum(distances[-10:]) / 10]
