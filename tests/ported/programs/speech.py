"""Sequence labelling without alignment: a GRU with the CTC loss, and its greedy decoding."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 16, bidirectional=True)
        self.out = nn.Linear(32, 4)

    def forward(self, x):
        return self.out(self.rnn(x)[0]).log_softmax(2)


def decode(log_probs):
    best = torch.unique_consecutive(log_probs.argmax(1))
    return [int(k) for k in best if k != 0]


def main():
    torch.manual_seed(10)
    targets = torch.randint(1, 4, (16, 3))
    x = 0.1 * torch.randn(12, 16, 4)
    for n in range(16):
        for j in range(3):
            x[4 * j:4 * j + 2, n, targets[n, j]] += 2
    model = Net()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-2)
    criterion = nn.CTCLoss(zero_infinity=True)
    input_lengths = torch.full(size=(16,), fill_value=12, dtype=torch.long)
    target_lengths = torch.full((16,), 3, dtype=torch.long)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = criterion(model(x), targets, input_lengths, target_lengths)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        log_probs = model(x)
    right = sum(decode(log_probs[:, n]) == targets[n].tolist() for n in range(16))
    assert right >= 12, right
    return losses
