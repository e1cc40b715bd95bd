"""fastnn info: what the engine found on this machine, and what is installed beside it."""

import argparse
import importlib.metadata
import os
import platform

BESIDE = ("numpy", "torch", "scikit-learn", "jax", "onnxruntime", "tqdm", "matplotlib")


def run(args: argparse.Namespace) -> None:
    rows = [*engine_rows(), *memory_rows(), *machine_rows(), ("installed", installed())]
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {value}" for name, value in rows))


def engine_rows() -> list[tuple[str, str]]:
    from fastnn._core import runtime

    forced = os.environ.get("FASTNN_ISA")
    isa = f"{runtime.isa()} (best here: {runtime.isa_best()}"
    return [
        ("fastnn", runtime.version()),
        ("built with", runtime.build()),
        ("instruction set", isa + (f"; FASTNN_ISA={forced})" if forced else ")")),
        ("threads", f"{runtime.get_num_threads()} of {runtime.cpu_count()} usable processors"),
        ("parallel backend", runtime.parallel_backend()),
    ]


def memory_rows() -> list[tuple[str, str]]:
    from fastnn._core import runtime

    stats = runtime.memory_stats()
    return [("allocator", ", ".join(f"{name.replace('_', ' ')} {value:,}"
                                    for name, value in stats.items()))]  # fmt: skip


def machine_rows() -> list[tuple[str, str]]:
    return [
        ("processor", f"{cpu_name()}, {os.cpu_count()} processors"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
    ]


def cpu_name() -> str:
    """The processor's name, with family and model where the system tells them."""
    found: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                found.setdefault(key.strip(), value.strip())
    except OSError:
        return platform.processor() or platform.machine()
    name = found.get("model name", platform.machine())
    if "cpu family" in found:
        name += f" (family {found['cpu family']}, model {found.get('model', '?')})"
    return name


def installed() -> str:
    """Versions, read from the metadata without importing anything."""
    parts = []
    for name in BESIDE:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(parts)
