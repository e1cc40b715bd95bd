"""Programs written for PyTorch run after their imports were changed, and nothing else."""

import importlib.util
import re
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def ported(source):
    """The source with every import of torch turned into one of fastnn."""
    source = re.sub(r"^import torch$", "import fastnn as torch", source, flags=re.M)
    source = re.sub(r"^import torch\.", "import fastnn.", source, flags=re.M)
    return re.sub(r"^from torch\b", "from fastnn", source, flags=re.M)


def run(source, name):
    space = {"__name__": name}
    exec(compile(source, name, "exec"), space)
    losses = space["main"]()
    assert losses[-1] < 0.7 * losses[0], losses
    return losses


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_program(path):
    source = ported(path.read_text())
    assert not re.search(r"^(import|from) torch\b", source, flags=re.M)
    run(source, path.stem)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is the oracle")
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_the_program_is_one_for_pytorch(path):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # its threads spin where cores are shared; its limit binds ours too
    try:
        run(path.read_text(), path.stem)
    finally:
        torch.set_num_threads(before)
