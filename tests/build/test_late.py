"""What fastnn._late names is what the files that it names define."""

import importlib
import subprocess
import sys

import pytest

import fastnn
from fastnn import _late


@pytest.mark.parametrize("home", sorted(_late.FUNCTIONS))
def test_functions(home):
    module = importlib.import_module(f"fastnn.{home}")
    assert sorted(module.__all__) == sorted(_late.FUNCTIONS[home].split())
    for name in module.__all__:
        assert getattr(fastnn, name) is getattr(module, name)


FIND = """
import fastnn._core.tensor as t
import fastnn, importlib, sys
own, seen = t.register, []
t.register = lambda name, f: (seen.append((name, isinstance(f, property))), own(name, f))
for home in sys.argv[1:]:
    seen.clear()
    importlib.import_module("fastnn." + home)
    print(home, *sorted({n for n, p in seen if not p}), "|", *sorted(n for n, p in seen if p))
"""


def test_methods():
    """In a process of its own, in which nothing has been loaded yet."""
    homes = ["_elementwise", *(h for h in sorted(_late.METHODS) if h != "_elementwise")]
    done = subprocess.run([sys.executable, "-c", FIND, *homes], capture_output=True, text=True,
                          check=True)
    for line in done.stdout.splitlines():
        methods, _, properties = line.partition("|")
        home, *names = methods.split()
        assert names == sorted(_late.METHODS[home].split()), home
        assert properties.split() == sorted(_late.PROPERTIES.get(home, "").split()), home


def test_a_method_loads_its_file_when_it_is_called():
    code = ("import sys, fastnn; x = fastnn.ones(2, 2); a = 'fastnn._matrices' in sys.modules; "
            "y = x.matrix_exp(); x.H; print(a, 'fastnn._matrices' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
