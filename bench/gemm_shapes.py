"""Matrix products of training, (form, m, n, k): C[m, n] from A and B, k summed over.

NN is A[m, k] @ B[k, n], NT is A @ B[n, k].T, TN is A[k, m].T @ B. A Linear layer of D inputs and H
outputs on a batch N asks for NT (N, H, D) forward, TN (H, D, N) for its weights, NN (N, D, H) for
its input.
"""

import random

LAYERS = [  # batch, inputs, outputs
    (2, 2, 8), (32, 784, 128), (128, 784, 512), (128, 512, 256), (64, 30, 64), (64, 64, 64),
    (512, 4096, 1000), (256, 1024, 1024), (1, 784, 512), (1, 4096, 4096),
]  # fmt: skip


def of_layer(batch: int, inputs: int, outputs: int) -> list[tuple[str, int, int, int]]:
    return [
        ("NT", batch, outputs, inputs),
        ("TN", outputs, inputs, batch),
        ("NN", batch, inputs, outputs),
    ]


NARROW = [
    ("NN", 4096, 1, 1024), ("TN", 1, 4096, 4096), ("NT", 1000, 3, 700), ("NN", 7, 4096, 7),
    ("NN", 333, 777, 111), ("TN", 65, 65, 65), ("NT", 129, 257, 513), ("NN", 1, 1, 4096),
    ("TN", 10, 128, 32), ("NT", 17, 10, 128),
]  # fmt: skip
SHAPES = [shape for layer in LAYERS for shape in of_layer(*layer)] + NARROW


def random_shapes(count: int, seed: int) -> list[tuple[str, int, int, int]]:
    """Log-uniform sizes in 1..4096, of at most 2 GFLOP."""
    draw = random.Random(seed)
    found: list[tuple[str, int, int, int]] = []
    while len(found) < count:
        m, n, k = (round(4096 ** draw.random()) for _ in range(3))
        if 2 * m * n * k <= 2e9:
            found.append((draw.choice(["NN", "NT", "TN"]), m, n, k))
    return found


NEAR = [("NN", n, n, n) for n in (1023, 1024, 1025)]  # a size beside costs at most 15 %
SQUARES = [(form, n, n, n) for n in (512, 1024, 2048, 4096) for form in ("NN", "NT", "TN")]
