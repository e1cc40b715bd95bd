"""python -m tools.stubs: writes fastnn/_core/**/*.pyi from the built modules.

Names, order, kinds and defaults of parameters are the modules' own; types come from what a name
means everywhere in the package (tools/stub_types.py), else from the default, else they are Any.
tests/build/test_stubs.py checks that the files in the tree are what this would write.
"""

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import stub_types as types

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# Made by python -m tools.stubs.\n"
FUNCTIONS = ("builtin_function_or_method", "cython_function_or_method", "function", "method",
             "method_descriptor")
SKIPPED = ("_f", "_name", "_map", "_doc")  # loop variables of the modules


def modules() -> Iterator[Any]:
    """Every compiled module of the core. What registers methods late is imported first."""
    for home in importlib.import_module("fastnn._late").METHODS:
        importlib.import_module(f"fastnn.{home}")
    for source in sorted((ROOT / "fastnn/_core").rglob("*.pyx")):
        name = source.relative_to(ROOT).with_suffix("").as_posix()
        yield importlib.import_module(name.replace("/", "."))


def path_of(module: Any) -> Path:
    return ROOT / (module.__name__.replace(".", "/") + ".pyi")


def is_function(value: Any) -> bool:
    return type(value).__name__ in FUNCTIONS


def is_own(module: Any, name: str, value: Any) -> bool:
    """Whether the module defines the name, and not for Cython's own use."""
    if name.startswith("__") or "pyx" in name or name in (*SKIPPED, "_Legacy"):
        return False
    if name in getattr(module, "__all__", ()) or name.endswith("Result"):
        return True
    if name in types.DATA.get(module.__name__.rpartition(".")[2], ()):
        return True
    return getattr(value, "__module__", "") == module.__name__


# ------------------------------------------------------------------ functions


def hint(name: str, default: Any) -> str:
    """The type of a parameter."""
    if name in types.PARAMETERS:
        return types.PARAMETERS[name]
    if type(default) in (bool, int, float, str):
        return "float" if type(default) is int and name in types.NUMBERS else type(default).__name__
    return "Any"


def parameters(function: Any) -> list[str]:
    """The list between the parentheses, an item each."""
    out, starred = [], False
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.KEYWORD_ONLY and not starred:
            out.append("*")
            starred = True
        if p.kind is p.VAR_POSITIONAL:
            out.append(f"*{p.name}: Any")
            starred = True
        elif p.kind is p.VAR_KEYWORD:
            out.append(f"**{p.name}: Any")
        elif p.name == "self":
            out.append("self")
        else:
            out.append(one(p.name, p.default))
    return out


def one(name: str, default: Any) -> str:
    kind = hint(name, default)
    if default is inspect.Parameter.empty:
        return f"{name}: {kind}"
    if default is None and kind != "Any" and not kind.endswith("None"):
        kind += " | None"
    shown = repr(default) if isinstance(default, (bool, int, float, str, tuple)) else "..."
    return f"{name}: {kind} = {'None' if default is None else shown}"


def definition(name: str, items: list[str], returns: str, indent: str = "") -> str:
    """One def, broken over lines where it is long."""
    line = f"{indent}def {name}({', '.join(items)}) -> {returns}: ..."
    if len(line) <= 100:
        return line
    inner = "".join(f"{indent}    {item},\n" for item in items)
    return f"{indent}def {name}(\n{inner}{indent}) -> {returns}: ..."


def function_stub(name: str, value: Any, module: str) -> str:
    returns = types.RETURNS.get(name) or ("Tensor" if types.gives_tensors(module, name) else "Any")
    return definition(name, parameters(value), returns)


# ------------------------------------------------------------------ classes


def method_stub(cls: type, name: str, value: Any) -> str:
    special = types.METHODS.get(f"{cls.__name__}.{name}")
    if special is not None:
        return "\n".join("    " + line for line in special.splitlines())
    items = parameters(value)
    if items:
        items[0] = "self"
    if name in types.RETURNS:
        returns = types.RETURNS[name]
    else:
        returns = "Tensor" if cls.__name__ == "Tensor" and name[0] != "_" else "Any"
    if cls.__name__ == "Tensor":
        items, returns = [builtin_types(item) for item in items], builtin_types(f" {returns}")[1:]
    return definition(name, items, returns, "    ")


def members(cls: type) -> Iterator[str]:
    """Text of every member, by name: the order in the class is that of imports."""
    written = {line.split(":")[0] for line in types.EXTRA.get(cls.__name__, [])}
    for name, value in sorted(vars(cls).items()):
        if name.startswith("__") or name in written:
            continue
        if is_function(value):
            yield method_stub(cls, name, value)
        elif isinstance(value, property) or type(value).__name__ == "getset_descriptor":
            kind = types.PROPERTIES.get(f"{cls.__name__}.{name}", "Any")
            settable = f"{cls.__name__}.{name}" in types.SETTABLE
            yield (f"    {name}: {kind}" if settable
                   else f"    @property\n    def {name}(self) -> {kind}: ...")
        elif type(value).__name__ == "member_descriptor":
            yield f"    {name}: Any"


def class_stub(name: str, cls: type) -> str:
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        lines = [f"class {name}(NamedTuple):"]
        return "\n".join(lines + [f"    {field}: Tensor" for field in cls._fields])
    if type(cls).__name__ == "_Legacy":  # a type of tensors with one dtype
        return f"class {name}(Tensor): ..."
    base = types.BASES.get(cls.__name__, "")
    body = [f"    {line}" if line else "" for line in types.EXTRA.get(cls.__name__, [])]
    body += members(cls)
    if cls.__name__ == "Tensor":
        body = [builtin_types(line) for line in body]
    return f"class {cls.__name__}{base}:\n" + "\n".join(body or ["    ..."])


def builtin_types(text: str) -> str:
    """Tensor has methods named int, float and bool, which hide the types in its body."""
    alone = r"(?:(?<=[:|>,] )|(?<=^ ))(int|float|bool|type)\b(?!: [^.])"
    return re.sub(alone + r"|(?<=\[)(int|float|bool)\b", lambda m: f"builtins.{m[0]}", text)


# ------------------------------------------------------------------ modules


def module_stub(module: Any) -> str:
    short = module.__name__.rpartition(".")[2]
    body = []
    if getattr(module, "__all__", ()):
        names = ", ".join(f'"{n}"' for n in module.__all__)
        body.append(wrap(f"__all__ = [{names}]"))
    for name, value in vars(module).items():
        if not is_own(module, name, value):
            continue
        if name in types.DATA.get(short, ()):
            body.append(f"{name}: {types.DATA[short][name]}")
        elif isinstance(value, type):
            body.append("\n" + class_stub(name, value) + "\n")
        elif is_function(value):
            body.append(function_stub(name, value, module.__name__))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(body).strip("\n"))
    for alias, home, line in types.IMPORTS:
        if home == module.__name__ and " as " in line:
            text = text.replace(alias, line.split()[3])
    return (HEAD + imports(module.__name__, text) + text).rstrip() + "\n"


def wrap(line: str) -> str:
    return "\n".join(textwrap.wrap(line, 100, subsequent_indent=" " * 11, break_on_hyphens=False))


def imports(module: str, text: str) -> str:
    """What the text names, in isort's order."""
    def used(name: str) -> bool:
        return re.search(rf"\b{re.escape(name)}\b", text) is not None

    out = ["import builtins"] if "builtins." in text else []
    typing = [n for n in ("Any", "NamedTuple", "overload") if used(n)]
    if used("Callable") or used("Iterator"):
        out.append("from collections.abc import "
                   + ", ".join(n for n in ("Callable", "Iterator") if used(n)))
    if typing:
        out.append("from typing import " + ", ".join(typing))
    out += [""] if out else []
    if used("np.ndarray"):
        out += ["import numpy as np", ""]
    local = []
    for name, home, line in types.IMPORTS:
        if home != module and used(name):
            local.append(line)
    return "\n".join(out + local + ([""] if local else []) + ([""] if out or local else []))


def main() -> None:
    wanted = {path_of(m): module_stub(m) for m in modules()}
    for path, text in wanted.items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print("wrote", path.relative_to(ROOT))


if __name__ == "__main__":
    main()
