"""A vision transformer on patterns: patches by unfolding, a class token, a transformer encoder."""

import torch
import torch.nn as nn


class ViT(nn.Module):
    def __init__(self, dim=24, patch=4, size=12, classes=3):
        super().__init__()
        self.unfold = nn.Unfold(kernel_size=patch, stride=patch)
        self.embed = nn.Linear(patch * patch, dim)
        n = (size // patch) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, n + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, 4, 48, 0.0, activation="gelu", batch_first=True,
                                           norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        b = x.shape[0]
        x = self.embed(self.unfold(x).transpose(1, 2))
        x = torch.cat((self.cls_token.expand(b, -1, -1), x), dim=1) + self.pos_embed
        return self.head(self.norm(self.encoder(x))[:, 0])


def main():
    torch.manual_seed(7)
    labels = torch.randint(0, 3, (96,))
    images = 0.3 * torch.randn(96, 1, 12, 12)
    images[torch.arange(96), 0, labels * 4 + 1, 5] += 4
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    losses = []
    for _ in range(30):
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) > 9000
    return losses
