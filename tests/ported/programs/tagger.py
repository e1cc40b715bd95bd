"""A part-of-speech tagger: packed sequences through a bidirectional LSTM, padding ignored."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.rnn as rnn_utils
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset

SENTENCES = [("the dog ate the apple", "D N V D N"), ("everybody read that book", "N V D N"),
             ("she likes a big red ball", "N V D A A N"), ("cats sleep", "N V"),
             ("the old man sees a cat", "D A N V D N"), ("that big dog likes cats", "D A N V N"),
             ("she sees everybody", "N V N"), ("a red apple", "D A N")]


class Sentences(Dataset):
    def __init__(self, pairs):
        words = sorted({w for s, _ in pairs for w in s.split()})
        self.word_to_ix = {w: i + 1 for i, w in enumerate(words)}
        self.tag_to_ix = {"D": 0, "N": 1, "V": 2, "A": 3}
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        words, tags = self.pairs[i]
        return (torch.tensor([self.word_to_ix[w] for w in words.split()], dtype=torch.long),
                torch.LongTensor([self.tag_to_ix[t] for t in tags.split()]))


def collate(batch):
    batch.sort(key=lambda pair: len(pair[0]), reverse=True)
    lengths = torch.tensor([len(x) for x, _ in batch])
    xs = rnn_utils.pad_sequence([x for x, _ in batch], batch_first=True)
    ys = rnn_utils.pad_sequence([y for _, y in batch], batch_first=True, padding_value=-1)
    return xs, ys, lengths


class Tagger(nn.Module):
    def __init__(self, vocab_size, tagset_size, embedding_dim=8, hidden_dim=12):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, num_layers=2, batch_first=True,
                            bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden_dim, tagset_size)
        for name, param in self.lstm.named_parameters():
            if "weight_hh" in name:
                nn.init.orthogonal_(param)
            elif "bias" in name:
                nn.init.zeros_(param)
                param.data[len(param) // 4:len(param) // 2].fill_(1.0)  # forget more slowly

    def forward(self, sentence, lengths):
        embeds = self.word_embeddings(sentence)
        packed = pack_padded_sequence(embeds, lengths.cpu(), batch_first=True)
        packed_out, (h, c) = self.lstm(packed)
        out, _ = pad_packed_sequence(packed_out, batch_first=True, total_length=sentence.size(1))
        assert h.shape == c.shape == (4, sentence.size(0), self.lstm.hidden_size)
        return F.log_softmax(self.hidden2tag(out), dim=2)


def main():
    torch.manual_seed(2)
    np.random.seed(2)
    data = Sentences(SENTENCES)
    loader = DataLoader(data, batch_size=4, shuffle=True, collate_fn=collate)
    model = Tagger(len(data.word_to_ix) + 1, len(data.tag_to_ix))
    loss_function = nn.NLLLoss(ignore_index=-1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    losses = []
    for _ in range(25):
        epoch = []
        for xs, ys, lengths in loader:
            model.zero_grad()
            scores = model(xs, lengths)
            loss = loss_function(scores.view(-1, scores.size(-1)), ys.view(-1))
            loss.backward()
            optimizer.step()
            epoch.append(loss.item())
        losses.append(float(np.mean(epoch)))
    with torch.no_grad():
        xs, ys, lengths = collate([data[i] for i in range(len(data))])
        mask = torch.arange(xs.size(1))[None, :] < lengths[:, None]
        correct = model(xs, lengths).argmax(dim=-1).eq(ys) & mask
        assert correct.sum().item() / mask.sum().item() > 0.8
        assert model.word_embeddings.weight[0].abs().sum() == 0
    return losses
