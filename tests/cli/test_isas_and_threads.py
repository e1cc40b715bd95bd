"""The same training run on every instruction set and with one to eight threads."""

import re

import pytest

from fastnn._core import runtime

FUSED = [isa for isa in ("avx2", "avx512", "neon")
         if isa == runtime.isa_best() or (isa, runtime.isa_best()) == ("avx2", "avx512")]
# the second net's products and batches are large enough to be shared among threads
RUNS = {"shipped": ["--epochs", 12],
        "wide": ["--epochs", 2, "--hidden", "512,256", "--batch-size", 512]}


@pytest.fixture
def train(process, tmp_path):
    def run(isa, threads, options):
        done = process("train", "--quiet", "--plot", "", "--out", "model", *options,
                       FASTNN_ISA=isa, FASTNN_NUM_THREADS=str(threads))
        assert done.returncode == 0, done.stderr
        found = float(re.search(r"test accuracy: (\d+\.\d) %", done.stdout)[1])
        return (tmp_path / "model").read_bytes(), found

    return run


@pytest.mark.skipif(not FUSED, reason="this processor has no fused multiply-add")
@pytest.mark.parametrize("name", RUNS)
def test_weights_are_the_same_to_the_bit(train, name):
    """Fused multiply-add everywhere: neither instruction set nor threads change a rounding."""
    first = train(FUSED[0], 1, RUNS[name])
    assert first[1] > 50
    for isa in FUSED:
        for threads in range(1, 9):
            assert train(isa, threads, RUNS[name]) == first, (isa, threads)


@pytest.mark.parametrize("name", RUNS)
def test_portable_kernels_learn_as_well(train, name):
    """base rounds otherwise, but in one way whatever the threads."""
    first = train("base", 1, RUNS[name])
    for threads in (2, 5, 8):
        assert train("base", threads, RUNS[name]) == first, threads
    assert abs(first[1] - train(runtime.isa_best(), 1, RUNS[name])[1]) <= 2
