"""Results whose sizes overflow are refused at the door, before anything is allocated or written."""

import pytest

import fastnn

F = fastnn.nn.functional
HUGE = 2**31 - 1


@pytest.mark.parametrize("work", [
    lambda: F.pad(fastnn.ones(1, 1, 4, 4), (2**61,) * 4),
    lambda: F.adaptive_max_pool2d(fastnn.ones(8, 1, 2, 2), (HUGE, HUGE)),
    lambda: F.adaptive_avg_pool3d(fastnn.ones(1, 1, 2, 2, 2), (HUGE,) * 3),
    lambda: fastnn.ones(1, 1).expand(2**31, 1) + fastnn.ones(1, 1).expand(1, 2**31),
], ids=["pad", "adaptive_max_pool", "adaptive_avg_pool", "add"])
def test_refused(work):
    live = fastnn._core.runtime.memory_stats()["live_blocks"]
    with pytest.raises(MemoryError, match="larger than any memory|out of memory"):
        work()
    assert fastnn._core.runtime.memory_stats()["live_blocks"] <= live + 1
