"""The stubs of the compiled modules say what the modules are."""

import ast
import inspect

import pytest

from tools import stubs

MODULES = list(stubs.modules())


def short(module):
    return module.__name__.removeprefix("fastnn._core.")


def names_of(body):
    """Name of each thing that a stub's body defines -> its node."""
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.setdefault(node.name, node)
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found[node.targets[0].id] = node
    return found


def parsed(module):
    return names_of(ast.parse(stubs.path_of(module).read_text()).body)


def argument_names(node):
    a = node.args
    named = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs,
             *([a.kwarg] if a.kwarg else [])]
    return [x.arg for x in named]


def compare(node, function, where):
    wanted = list(inspect.signature(function).parameters)
    got = argument_names(node)
    if wanted and got and got[0] == "self":
        wanted[0] = "self"  # methods call it what the function calls its first parameter
    assert got == wanted, where
    count = len(node.args.defaults) + sum(d is not None for d in node.args.kw_defaults)
    given = [p for p in inspect.signature(function).parameters.values()
             if p.default is not inspect.Parameter.empty]
    assert count == len(given), where


@pytest.mark.parametrize("module", MODULES, ids=short)
def test_current(module):
    """python -m tools.stubs would change nothing."""
    assert stubs.path_of(module).read_text() == stubs.module_stub(module)


@pytest.mark.parametrize("module", MODULES, ids=short)
def test_names(module):
    found = parsed(module)
    for name in getattr(module, "__all__", ()):
        assert name in found, f"{name} has no stub"
    for name, node in found.items():
        assert name == "__all__" or hasattr(module, name), f"{name} is stubbed, but does not exist"
        if isinstance(node, ast.FunctionDef):
            compare(node, getattr(module, name), f"{module.__name__}.{name}")


def test_tensor():
    from fastnn import Tensor

    (tensor,) = [m for m in MODULES if m.__name__ == "fastnn._core.tensor"]
    found = names_of(parsed(tensor)["Tensor"].body)
    public = {n for n in vars(Tensor) if not n.startswith("_")}
    assert public <= set(found), public - set(found)
    for name, node in found.items():
        assert hasattr(Tensor, name), f"Tensor.{name} is stubbed, but does not exist"
        overloaded = name in ("size", "stride")
        if name in public and isinstance(node, ast.FunctionDef) and not node.decorator_list:
            compare(node, getattr(Tensor, name), f"Tensor.{name}")
        assert not overloaded or node.decorator_list


def test_every_module_has_one():
    missing = [m.__name__ for m in MODULES if not stubs.path_of(m).exists()]
    assert not missing and len(MODULES) > 30
