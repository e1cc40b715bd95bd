"""python -m tests.parity [name ...]: cases passed of cases, for every module of torch.nn."""

from __future__ import annotations

import sys

from tests.parity.cases import CASES
from tests.parity.run import DTYPES, differences


def main(names: list[str]) -> int:
    passed = total = 0
    for name in names or sorted(CASES):
        good = 0
        for case in CASES[name]:
            for dtype in DTYPES:
                found = differences(name, case, dtype)
                good += not found
                for line in found:
                    print(f"    {name}({case!r}) {dtype}: {line}")
        count = len(CASES[name]) * len(DTYPES)
        print(f"{name:32} {good:4} of {count}")
        passed, total = passed + good, total + count
    print(f"{'all':32} {passed:4} of {total}")
    return passed != total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
