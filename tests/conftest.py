"""Settings of the whole test suite."""

from __future__ import annotations

import os
import sys

import pytest

STRICT = os.environ.get("FASTNN_STRICT") == "1"
# What a machine with every tool and oracle that pip installs may still lack: hardware, data, a
# build of its own, the other compiler, valgrind.
EXCUSED = ["processor", "AVX-512", "x86", "dataset-fashion-mnist", "FASTNN_TEST_", "FNN_PLANT",
           "sanitizers", "valgrind is not installed", "clang is not installed",
           "clang++ is not installed"]
if sys.version_info[:2] != (3, 11):
    EXCUSED.append("torch")  # the oracle's version is fixed, and .ci/run installs it on 3.11 alone


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under FASTNN_STRICT a skip is a failure, unless its reason is excused."""
    if not STRICT or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(word.lower() in reason.lower() for word in EXCUSED):
        report.outcome = "failed"
        report.longrepr = f"FASTNN_STRICT: {reason}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    _refuse(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    outcome = yield
    _refuse(outcome.get_result())
