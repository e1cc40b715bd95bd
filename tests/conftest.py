"""Settings of the whole test suite."""

from __future__ import annotations

import os

import pytest

STRICT = os.environ.get("FASTNN_STRICT") == "1"
MISSING = ("could not import", "is not installed", "oracle", "needs scikit-learn")


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under FASTNN_STRICT a skip for a missing tool or oracle is a failure."""
    if STRICT and report.skipped and any(word in str(report.longrepr) for word in MISSING):
        report.outcome = "failed"
        report.longrepr = f"FASTNN_STRICT: {report.longrepr}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    _refuse(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    outcome = yield
    _refuse(outcome.get_result())
