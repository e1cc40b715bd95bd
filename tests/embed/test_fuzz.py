"""Instructions at random, as a C program could hand them over: fuzz_ops.c says which.

FASTNN_FUZZ_CALLS and FASTNN_FUZZ_SEED make it longer and another one: make fuzz.
"""

import os
import re
import subprocess

import pytest

from tests.embed.programs import ROOT, compile_c, environment

CALLS = int(os.environ.get("FASTNN_FUZZ_CALLS", 30_000))
SEED = int(os.environ.get("FASTNN_FUZZ_SEED", 1))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("fuzz") / "fuzz_ops", ROOT / "tests/embed/fuzz_ops.c",
                     standard="gnu11", more=["-lm", "-Wno-pedantic"])


@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_nothing_crashes_hangs_or_leaks(program, seed):
    done = subprocess.run([program, str(seed), str(CALLS)], capture_output=True, text=True,
                          env=environment())
    if done.returncode:  # the same calls again, to name the one that it was
        told = subprocess.run([program, str(seed), str(CALLS), "verbose"], capture_output=True,
                              text=True, env=environment())
        last = "\n".join(told.stdout.splitlines()[-3:])
        pytest.fail(f"seed {seed}: {done.returncode}\n{last}\n{done.stderr[-3000:]}")
    ran, ops = map(int, re.match(r"(\d+) of (\d+) ops ran", done.stdout).groups())
    assert ran >= 0.9 * ops, done.stdout  # else it would test refusals alone


def test_a_seed_is_a_sequence(program):
    # stdout alone: a sanitizer names its process where it refuses a size
    first, second = (
        subprocess.run([program, "5", "300", "verbose"], capture_output=True, text=True, check=True,
                       env=environment()).stdout
        for _ in range(2)
    )  # fmt: skip
    assert first == second and len(first.splitlines()) > 300
