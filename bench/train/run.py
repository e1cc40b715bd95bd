"""python -m bench.train.run: the table of training speed, one interleaved run (make bench-train).

Ratios hold on an otherwise idle machine only; every row is measured in turns A B A B, medians.
"""

import argparse
import gc
import importlib
import importlib.util
import statistics
from collections.abc import Iterable

import fastnn
from bench import machine
from bench.table import Result, Row, heading, line, measure
from bench.train import conv_rows, processes, rows
from fastnn._core import runtime

SECTIONS = (
    "training",
    "inference",
    "gemm",
    "shapes",
    "conv",
    "pointwise",
    "memory",
    "images",
    "adam",
    "attention",
    "small",
    "process",
    "pairs",
)


PEERS = ["torch", "nhwc", "fused", "numpy"]


def main() -> None:
    args = options()
    for warning in machine.check_environment():
        print("warning:", warning)
    engines = {"fastnn": fastnn}
    if importlib.util.find_spec("torch"):
        engines["torch"] = importlib.import_module("torch")
    for T in engines.values():
        T.set_num_threads(args.threads)
    print(machine.header(args.threads))
    wanted = args.only or SECTIONS
    sections = timed_sections(engines, args, wanted)
    if sections:
        print(heading(PEERS))
    for title, section in sections.items():
        results = []
        chosen = (row for row in section if args.match in row.title)
        for result in measure(chosen, args.seconds, args.rounds):
            print(line(result, PEERS), flush=True)
            results.append(result)
            gc.collect()
        summary(title, results)
    if "process" in wanted:
        process_rows([name for name in engines], args.rounds)
    if "pairs" in wanted:
        pair_rows(list(engines), args)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=SECTIONS)
    parser.add_argument("--match", default="", help="rows whose title holds this text, alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="per row")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--largest", type=int, default=4096, help="largest square product")
    parser.add_argument("--seed", type=int, default=0, help="of the ten random products")
    return parser.parse_args()


def timed_sections(
    engines: dict, args: argparse.Namespace, wanted: Iterable[str]
) -> dict[str, Iterable[Row]]:
    peak = 0.0
    if {"training", "inference", "gemm", "shapes", "conv", "attention"} & set(wanted):
        core = machine.fma_peak(runtime.isa())
        peak = 1e9 * args.threads * (core or 0.0)
        print(f"FMA peak of a core, float32: {core or 'not measured'} GF/s")
    sections: dict[str, Iterable[Row]] = {
        "training": rows.programs(engines, peak),
        "inference": rows.programs(engines, peak, rows.INFERENCE),
        "gemm": rows.squares(engines, peak, args.largest),
        "shapes": rows.shapes(engines, peak, args.seed),
        "conv": conv_rows.rows(engines, peak),
        "pointwise": rows.pointwise(engines, (1000, 100_000, 10_000_000)),
        "memory": (row for n in (1_000_000, 10_000_000) for row in memory(engines, n)),
        "images": rows.images(engines),
        "adam": rows.adam(engines, 10_000_000),
        "attention": rows.attention(engines, peak),
        "small": rows.small(engines),
    }
    return {name: section for name, section in sections.items() if name in wanted}


def memory(engines: dict, n: int) -> Iterable[Row]:
    bandwidth = machine.copy_bandwidth(4 * n)
    print(f"copy of {n:,} floats by one thread of NumPy: {bandwidth:.1f} GB/s")
    return rows.memory(engines, n, 1e9 * bandwidth)


def summary(title: str, results: list[Result]) -> None:
    """For a section of many rows: geometric mean of the ratios, the worst, and the median share."""
    ratios = [ratio for r in results if (ratio := r.ratio())]
    if len(ratios) < 3 or title == "training":
        return
    shares = [share for r in results if (share := r.share())]
    text = f"  {title}: geometric mean {statistics.geometric_mean(ratios):.2f}x, "
    text += f"least {min(ratios):.2f}x"
    if shares:
        text += f"; share median {100 * statistics.median(shares):.0f} %, "
        text += f"least {100 * min(shares):.0f} %"
    print(text)


def process_rows(names: list[str], rounds: int) -> None:
    imports = processes.import_figures(names, rounds)
    steps = processes.first_step_figures(names, rounds)
    wheel = processes.wheel_size()
    for name in names:
        milliseconds, megabytes = imports[name]
        first = steps[name] - steps["numpy"]
        print(
            f"import {name} beyond NumPy: {milliseconds:.0f} ms, {megabytes:.1f} MB resident; "
            f"start to first step beyond NumPy: {first:.3f} s"
        )
    print("must: 40 ms, 12 MB, 0.12 s; aim: 20 ms, 6 MB, 0.06 s")
    print(f"wheel: {'none in dist/' if wheel is None else f'{wheel:.2f} MB'} (must 3, aim 1.5)")


def pair_rows(names: list[str], args: argparse.Namespace) -> None:
    for workload in ("mlp_small", "mlp_mid"):
        for name in names:
            alone, factor = processes.slowdown(name, workload, args.seconds, args.threads)
            print(f"two processes side by side, {workload}, {name}: {1e3 * alone:.3f} ms alone, "
                  f"{factor:.2f}x beside another (must 2.5x, aim 2.1x)")  # fmt: skip


if __name__ == "__main__":
    main()
