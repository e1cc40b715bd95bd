"""The library's process-wide settings are put back after every test."""

import pytest
from native import lib


@pytest.fixture(autouse=True)
def settings():
    yield
    lib.fnn_memory_set_poison(0)
    lib.fnn_memory_fail_at(0)
    lib.fnn_memory_set_cache_limit(-1)
    lib.fnn_set_num_threads(0)
    lib.fnn_set_parallel_backend(None, None)
