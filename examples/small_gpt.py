"""A small GPT, four blocks of four heads, on the reference texts that every CPython carries."""

import argparse
import math
from pydoc_data.topics import topics

import fastnn
from fastnn import nn
from fastnn.cli.progress import Progress
from fastnn.nn import functional as F
from fastnn.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

BATCH, LENGTH = 16, 64
LAYERS, HEADS, WIDTH = 4, 4, 128


class Block(nn.Module):
    """Causal attention, then two dense layers, each behind a norm and added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.projection = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.dense = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: fastnn.Tensor) -> fastnn.Tensor:
        heads = self.qkv(self.norm1(x)).unflatten(2, (3, HEADS, WIDTH // HEADS))
        q, k, v = (part.transpose(1, 2) for part in heads.unbind(2))  # (B, heads, T, width)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(y.transpose(1, 2).flatten(2))
        return x + self.dense(self.norm2(x))


class GPT(nn.Module):
    """Characters (B, T), T up to LENGTH, to logits (B, T, characters)."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, characters, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        self.head.weight = self.characters.weight  # tied: one table reads and writes

    def forward(self, x: fastnn.Tensor) -> fastnn.Tensor:
        y = self.characters(x) + self.places(fastnn.arange(x.size(1)))
        return self.head(self.norm(self.blocks(y)))


def load() -> tuple[fastnn.Tensor, fastnn.Tensor, str]:
    """Training and held-out text (the last twentieth) as indices, and the alphabet."""
    text = "\n".join(dict.fromkeys(topics.values()))  # a text under two names, once
    alphabet = "".join(sorted(set(text)))
    index = {character: number for number, character in enumerate(alphabet)}
    codes = fastnn.tensor([index[character] for character in text])
    cut = len(codes) * 19 // 20
    return codes[:cut], codes[cut:], alphabet


def batch(codes: fastnn.Tensor) -> tuple[fastnn.Tensor, fastnn.Tensor]:
    """Pieces from random places, (BATCH, LENGTH), and the same one character further on."""
    start = fastnn.randint(len(codes) - LENGTH, (BATCH, 1))
    places = start + fastnn.arange(LENGTH)
    return codes[places], codes[places + 1]


def bits(model: nn.Module, codes: fastnn.Tensor) -> float:
    """Bits per character over all pieces of LENGTH, each read by itself."""
    pieces = (len(codes) - 1) // LENGTH
    x = codes[: pieces * LENGTH].view(pieces, LENGTH)
    y = codes[1 : pieces * LENGTH + 1]
    with fastnn.no_grad():
        return F.cross_entropy(model(x).flatten(0, 1), y).item() / math.log(2)


def sample(model: nn.Module, alphabet: str, count: int, temperature: float = 0.7) -> str:
    """Draws character after character, each from the last LENGTH ones."""
    codes = fastnn.tensor([[alphabet.index("\n")]])
    with fastnn.no_grad():
        for _ in range(count):
            logits = model(codes[:, -LENGTH:])[0, -1]
            drawn = fastnn.multinomial((logits / temperature).softmax(0), 1)
            codes = fastnn.cat([codes, drawn.view(1, 1)], dim=1)
    return "".join(alphabet[code] for code in codes[0].tolist())


def make_optimizer(model: nn.Module, steps: int) -> tuple:
    """AdamW, which lets matrices decay and vectors not; the rate warms up, then falls."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = fastnn.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.99), weight_decay=0.1)
    warm = steps // 10
    rising = LinearLR(optimizer, start_factor=0.1, total_iters=warm)
    falling = CosineAnnealingLR(optimizer, T_max=steps - warm, eta_min=1e-4)
    return optimizer, SequentialLR(optimizer, [rising, falling], milestones=[warm])


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="a few seconds: 60 steps")
    options = parser.parse_args(arguments)
    steps = 60 if options.quick else options.steps

    fastnn.manual_seed(0)
    train, held_out, alphabet = load()
    model = GPT(len(alphabet))
    optimizer, schedule = make_optimizer(model, steps)

    before = after = bits(model, held_out)
    progress = Progress(steps, quiet=False)
    progress.line(f"step {0:5d}  held-out bits per character {before:.3f}")
    for step in range(1, steps + 1):
        x, y = batch(train)
        optimizer.zero_grad()
        F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.step()
        if step % 100 == 0 or step == steps:
            after = bits(model, held_out)
            progress.line(f"step {step:5d}  held-out bits per character {after:.3f}")
    progress.close()
    print(sample(model, alphabet, 50 if options.quick else 400))
    print(f"held-out bits per character: {before:.3f} untrained, {after:.3f} trained")
    return {"before": before, "after": after}


if __name__ == "__main__":
    main()
