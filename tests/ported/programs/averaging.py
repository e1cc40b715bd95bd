"""Stochastic weight averaging and an exponential moving average of weights."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset, random_split


class ModelEMA:
    """The hand-written one of many training scripts."""

    def __init__(self, model, decay=0.9):
        self.module = copy.deepcopy(model)
        self.module.eval()
        self.decay = decay
        for p in self.module.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for ema_v, model_v in zip(self.module.state_dict().values(), model.state_dict().values()):
            if ema_v.dtype.is_floating_point:
                ema_v.mul_(self.decay).add_(model_v.detach(), alpha=1.0 - self.decay)
            else:
                ema_v.copy_(model_v)


def main():
    torch.manual_seed(4)
    x = torch.randn(300, 2)
    y = ((x ** 2).sum(dim=1) > 1.2).long()
    train, test = random_split(TensorDataset(x, y), [240, 60],
                               generator=torch.Generator().manual_seed(42))
    loader = DataLoader(train, batch_size=40, shuffle=True, drop_last=True)
    model = nn.Sequential(nn.Linear(2, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    swa_model = AveragedModel(model)
    swa_scheduler = SWALR(optimizer, anneal_strategy="linear", anneal_epochs=3, swa_lr=0.05)
    ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    hand = ModelEMA(model)
    losses = []
    for epoch in range(20):
        total, count = 0.0, 0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            ema_model.update_parameters(model)
            hand.update(model)
            total += loss.item() * inputs.size(0)
            count += inputs.size(0)
        losses.append(total / count)
        if epoch > 14:
            swa_model.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
    update_bn(loader, swa_model)
    assert int(swa_model.n_averaged) == 5
    inputs, targets = next(iter(DataLoader(test, batch_size=len(test))))
    for m in (swa_model, ema_model, hand.module):
        m.eval()
        with torch.no_grad():
            accuracy = (m(inputs).argmax(1) == targets).float().mean()
        assert accuracy > 0.8, accuracy
    return losses
