"""A spatial transformer: a net that finds where to look, by affine_grid and grid_sample."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.localization = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2, stride=2),
                                          nn.ReLU(True))
        self.fc_loc = nn.Sequential(nn.Linear(4 * 7 * 7, 16), nn.ReLU(True), nn.Linear(16, 6))
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))
        self.fc = nn.LazyLinear(2)

    def stn(self, x):
        xs = self.localization(x).view(-1, 4 * 7 * 7)
        theta = self.fc_loc(xs).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def forward(self, x):
        return F.log_softmax(self.fc(torch.flatten(self.stn(x), 1)), dim=1)


def main():
    torch.manual_seed(9)
    labels = torch.randint(0, 2, (64,))
    images = 0.1 * torch.randn(64, 1, 16, 16)
    for i in range(64):
        at = int(torch.randint(2, 12, (1,)))
        if labels[i]:
            images[i, 0, at:at + 2, 4:12] += 1
        else:
            images[i, 0, 4:12, at:at + 2] += 1
    model = Net()
    model(images[:1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
