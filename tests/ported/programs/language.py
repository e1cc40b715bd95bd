"""A word-level language model: an LSTM with tied weights and clipped gradients."""

import math

import torch
import torch.nn as nn


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers):
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=0.1)
        self.decoder = nn.Linear(nhid, ntoken)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.5, 0.5)
        nn.init.zeros_(self.decoder.bias)
        self.nhid, self.nlayers = nhid, nlayers

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(input)), hidden)
        return self.decoder(self.drop(output)).view(-1, self.decoder.out_features), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (weight.new_zeros(self.nlayers, bsz, self.nhid),
                weight.new_zeros(self.nlayers, bsz, self.nhid))


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def main():
    torch.manual_seed(2)
    words = "the cat sat on the mat and the dog ran to the cat".split() * 20
    vocabulary = {w: i for i, w in enumerate(dict.fromkeys(words))}
    ids = torch.tensor([vocabulary[w] for w in words]).type(torch.int64)
    data = ids[:len(ids) // 4 * 4].view(4, -1).t().contiguous()
    model = RNNModel(len(vocabulary), 24, 24, 2)
    criterion = nn.CrossEntropyLoss()
    lr, losses = 3.0, []
    for _ in range(12):
        hidden, total = model.init_hidden(4), 0.0
        for i in range(0, data.size(0) - 1, 12):
            seq = min(12, len(data) - 1 - i)
            source, target = data[i:i + seq], data[i + 1:i + 1 + seq].view(-1)
            model.zero_grad()
            hidden = repackage_hidden(hidden)
            output, hidden = model(source, hidden)
            loss = criterion(output, target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-lr)
            total += loss.item()
        losses.append(total)
        assert math.isfinite(math.exp(total / 10))
    return losses
