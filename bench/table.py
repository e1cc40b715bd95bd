"""Rows of a benchmark table: times of one interleaved run, ratios, aims, verdicts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastnn.cli.timing import interleaved, readable

Works = dict[str, Callable[[], Any]]


@dataclass
class Row:
    """One line: the works to time, and what the ratio to ``against`` should be."""

    title: str
    works: Works
    must: float | None = None
    aim: float | None = None
    against: str = "best"  # a peer's name, or the fastest of them
    amount: float = 0.0  # FLOPs or bytes per call, for a share of limit
    limit: float = 0.0  # FLOPs or bytes per second; 0: bytes, and the rate is shown
    share_must: float = 0.0  # of the limit, where one was measured
    share_aim: float = 0.0


@dataclass
class Result:
    row: Row
    times: dict[str, float]

    def ratio(self) -> float | None:
        peers = {name: t for name, t in self.times.items() if name != "fastnn"}
        if not peers or (self.row.against != "best" and self.row.against not in peers):
            return None
        other = min(peers.values()) if self.row.against == "best" else peers[self.row.against]
        return other / self.times["fastnn"]

    def share(self, name: str = "fastnn") -> float | None:
        if not self.row.limit or name not in self.times:
            return None
        return self.row.amount / self.times[name] / self.row.limit

    def ratio_at_limit(self) -> float | None:
        """What the ratio would be if ours took no longer than its amount does at the limit."""
        ratio, share = self.ratio(), self.share()
        return None if ratio is None or not share or share < 0.01 else ratio / share

    def rate(self) -> str:
        """Bytes per second, of a row that counts bytes and has no limit to be a share of."""
        if not self.row.amount or self.row.limit:
            return ""
        return f"{self.row.amount / self.times['fastnn'] / 1e9:.1f} GB/s"

    def verdict(self) -> str:
        """Whether ratio and share, as far as both are asked for, reach the aim, or what must be."""
        row, ratio, share = self.row, self.ratio(), self.share()
        got = [
            (ratio, row.must, row.aim),
            (share, row.share_must or None, row.share_aim or None),
        ]
        asked = [(g, must, aim) for g, must, aim in got if g is not None and must is not None]
        if not asked:
            return ""
        if any(g < must for g, must, _ in asked):
            return "MISSED"
        return "aim" if all(aim is not None and g >= aim for g, _, aim in asked) else "must"


def measure(rows: Iterable[Row], seconds: float, rounds: int) -> Iterable[Result]:
    for row in rows:
        yield Result(row, interleaved(row.works, seconds, rounds))


def heading(peers: list[str]) -> str:
    columns = ["fastnn", *peers, "x", "must", "aim", "share", "at limit", ""]
    return f"{'':<52}" + "".join(f"{c:>10}" for c in columns)


def line(result: Result, peers: list[str]) -> str:
    def times_x(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}x"

    share = result.share()
    cells = [readable(result.times[n]) if n in result.times else "" for n in ("fastnn", *peers)]
    cells += [times_x(v) for v in (result.ratio(), result.row.must, result.row.aim)]
    cells += [result.rate() if share is None else f"{100 * share:.0f} %"]
    cells += [times_x(result.ratio_at_limit()), result.verdict()]
    return f"{result.row.title:<52}" + "".join(f"{cell:>10}" for cell in cells)
