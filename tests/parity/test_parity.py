"""Every case of every module agrees with PyTorch."""

import pytest

import fastnn
from tests.parity import compare, run
from tests.parity.cases import CASES
from tests.parity.functions import CALLS
from tests.parity.run import DTYPES, differences

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads(), fastnn.get_num_threads()
    run.one_thread()
    yield
    torch.set_num_threads(before[0])
    fastnn.set_num_threads(before[1])


@pytest.mark.parametrize("name", sorted(CASES))
def test_module(name):
    found = [f"{name}({case!r}) {dtype}: {line}" for case in CASES[name] for dtype in DTYPES
             for line in differences(name, case, dtype)]
    assert not found, "\n".join(found)


def test_every_module_has_cases():
    """Ten sets of arguments each; fewer only where there are not that many to choose from."""
    modules = {n for n in dir(torch.nn) if isinstance(getattr(torch.nn, n), type)
               and issubclass(getattr(torch.nn, n), torch.nn.Module)}
    assert modules - set(CASES) - WITHOUT == set()
    assert {n: len(c) for n, c in CASES.items() if len(c) < 10} == {}


# Bases, and what holds one module: other tests have them.
WITHOUT = {"Module", "RNNCellBase", "Container", "DataParallel"}


@pytest.mark.parametrize("name", sorted(n for n in CALLS if CALLS[n]))
def test_function(name):
    found = [f"{name}({call!r:.80}) {dtype}: {line}" for call in CALLS[name]
             for dtype in compare.DTYPES for line in compare.differences(name, call, dtype)]
    assert not found, "\n".join(found)
