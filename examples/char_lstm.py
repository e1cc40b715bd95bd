"""A language model of characters: an LSTM on the reference texts that every CPython carries."""

import argparse
import math
from pydoc_data.topics import topics

import fastnn
from fastnn import nn
from fastnn.cli.progress import Progress
from fastnn.nn import functional as F

BATCH, LENGTH = 32, 64


class Model(nn.Module):
    """Characters (B, T) and a state to logits (B, T, characters) and the next state."""

    def __init__(self, characters: int, width: int = 256) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 64)
        self.lstm = nn.LSTM(64, width, batch_first=True)
        self.head = nn.Linear(width, characters)

    def forward(self, x: fastnn.Tensor, state: tuple | None = None) -> tuple:
        y, state = self.lstm(self.embedding(x), state)
        return self.head(y), state


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
    """Bits per character over all pieces of LENGTH, each read from an empty state."""
    pieces = (len(codes) - 1) // LENGTH
    x = codes[: pieces * LENGTH].view(pieces, LENGTH)
    y = codes[1 : pieces * LENGTH + 1]
    with fastnn.no_grad():
        return F.cross_entropy(model(x)[0].flatten(0, 1), y).item() / math.log(2)


def sample(model: nn.Module, alphabet: str, count: int, temperature: float = 0.7) -> str:
    """Draws character after character; the state carries what was read."""
    code, state, text = alphabet.index("\n"), None, ""
    with fastnn.no_grad():
        for _ in range(count):
            logits, state = model(fastnn.tensor([[code]]), state)
            code = int(fastnn.multinomial((logits[0, 0] / temperature).softmax(0), 1).item())
            text += alphabet[code]
    return text


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="a few seconds: 60 steps")
    options = parser.parse_args(arguments)
    steps = 60 if options.quick else options.steps

    fastnn.manual_seed(0)
    train, held_out, alphabet = load()
    model = Model(len(alphabet))
    optimizer = fastnn.optim.Adam(model.parameters(), lr=3e-3)

    before = after = bits(model, held_out)
    progress = Progress(steps, quiet=False)
    progress.line(f"step {0:5d}  held-out bits per character {before:.3f}")
    for step in range(1, steps + 1):
        x, y = batch(train)
        optimizer.zero_grad()
        logits, _ = model(x)
        F.cross_entropy(logits.flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
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
