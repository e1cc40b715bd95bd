"""python -m tests.parity [name ...]: cases passed of cases, for every module, function, optimizer
and scheduler."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tests.parity import compare, run, training
from tests.parity.cases import CASES
from tests.parity.functions import CALLS


def count(title: str, name: str, cases: list[Any], differences: Callable[..., list[str]],
          dtypes: tuple[str, ...]) -> tuple[int, int]:
    good = 0
    for case in cases:
        for dtype in dtypes:
            found = differences(name, case, dtype)
            good += not found
            for line in found:
                print(f"    {title}({case!r:.80}) {dtype}: {line}")
    total = len(cases) * len(dtypes)
    print(f"{title:40} {good:4} of {total}")
    return good, total


def main(names: list[str]) -> int:
    run.one_thread()
    results = [count(f"nn.{n}", n, CASES[n], run.differences, run.DTYPES)
               for n in sorted(CASES) if not names or n in names]
    results += [count(n, n, CALLS[n], compare.differences, compare.DTYPES)
                for n in sorted(CALLS) if CALLS[n] and (not names or n in names)]
    for title, good, cases in training.results() if not names else ():
        print(f"{title:40} {good:4} of {cases}")
        results.append((good, cases))
    passed, total = (sum(r[i] for r in results) for i in (0, 1))
    print(f"{'all':40} {passed:4} of {total}")
    return passed != total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
