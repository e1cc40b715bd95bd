"""fnn_parallel_for: coverage, limits, nesting, fork, a host's own pool, bounded stalls."""

import ctypes as c
import os
import statistics
import subprocess
import sys
import threading
import time

import pytest
from native import LIBRARY, OPENMP, PARALLEL_FN, RANGE_FN, lib, python

BACKENDS = ["pool", "openmp", "serial"] if OPENMP else ["pool", "serial"]
needs_openmp = pytest.mark.skipif(not OPENMP, reason="this library was built without OpenMP")


def ranges(n, grain, fn=None):
    """The ranges that one region is cut into, in order, with the worker's number."""
    seen, lock = [], threading.Lock()

    @RANGE_FN
    def body(_, begin, end, thread):
        with lock:
            seen.append((begin, end, thread))
        if fn:
            fn()

    lib.fnn_parallel_for(n, grain, body, None)
    return sorted(seen)


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("n,grain", [(1, 1), (2, 1), (7, 1), (8, 3), (1000, 1), (1000, 999),
                                     (4097, 64), (12345, 0), (10**9, 10**6)])
def test_ranges_cover_once(n, grain, threads):
    lib.fnn_set_num_threads(threads)
    for _ in range(20):
        seen = ranges(n, grain)
        assert [b for b, _, _ in seen] == [0] + [e for _, e, _ in seen[:-1]]
        assert seen[-1][1] == n
        assert all(e - b >= grain for b, e, _ in seen[:-1])
        assert all(0 <= t < threads for _, _, t in seen)


def test_nothing_to_do_calls_nothing():
    assert ranges(0, 1) == [] == ranges(-5, 1)


def test_at_the_grain_the_caller_does_it_all():
    lib.fnn_set_num_threads(4)
    assert ranges(1000, 1000) == [(0, 1000, 0)]


def test_threads_take_part():
    """Ranges that wait for each other finish only if two threads run them."""
    lib.fnn_set_num_threads(2)
    lib.fnn_set_parallel_backend(None, None)
    meet = threading.Barrier(2, timeout=20)
    seen = ranges(2, 1, meet.wait)
    assert len(seen) == 2 and {t for _, _, t in seen} == {0, 1}


def test_a_worker_number_is_used_by_one_thread_at_a_time():
    lib.fnn_set_num_threads(8)
    running, clash = set(), []

    @RANGE_FN
    def body(_, begin, end, thread):
        if thread in running:
            clash.append(thread)
        running.add(thread)
        time.sleep(1e-4)
        running.discard(thread)

    for _ in range(50):
        lib.fnn_parallel_for(64, 1, body, None)
    assert not clash


def test_nested_regions_are_serial():
    lib.fnn_set_num_threads(4)
    inner = []

    @RANGE_FN
    def body(_, begin, end, thread):
        inner.append(ranges(100, 1))

    lib.fnn_parallel_for(4, 1, body, None)
    assert inner and all(r == [(0, 100, 0)] for r in inner)


def test_regions_of_several_threads_at_once():
    lib.fnn_set_num_threads(3)
    wrong = []

    def work():
        for _ in range(200):
            seen = ranges(1000, 10)
            if sum(e - b for b, e, _ in seen) != 1000:
                wrong.append(seen)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_the_setting():
    default = lib.fnn_get_num_threads()
    assert default == min(lib.fnn_cpu_count(), default)
    lib.fnn_set_num_threads(8)
    assert lib.fnn_get_num_threads() == 8
    lib.fnn_set_num_threads(10**6)
    assert lib.fnn_get_num_threads() == 256
    lib.fnn_set_num_threads(0)
    assert lib.fnn_get_num_threads() == default


def test_a_hosts_own_pool():
    calls = []

    @PARALLEL_FN
    def pool(_, n, grain, threads, fn, ctx):
        calls.append((n, grain, threads))
        for begin in range(0, n, grain):
            fn(ctx, begin, min(n, begin + grain), 0)

    lib.fnn_set_num_threads(2)
    lib.fnn_set_parallel_backend(c.cast(pool, c.c_void_p), None)
    assert lib.fnn_parallel_backend() == b"host"
    inner = []
    seen = ranges(10, 4, lambda: inner.extend(ranges(100, 1)))
    assert [s[:2] for s in seen] == [(0, 4), (4, 8), (8, 10)]
    assert calls == [(10, 4, 2)]
    assert inner == [(0, 100, 0)] * 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_environment_chooses_the_backend(backend):
    out = python("""
        lib.fnn_set_num_threads(2)
        import time
        ids = set()
        @RANGE_FN
        def body(_, b, e, t):
            ids.add(t)
            time.sleep(1e-4)  # time for a worker to wake
        for _ in range(50): lib.fnn_parallel_for(100, 1, body, None)
        print(lib.fnn_parallel_backend().decode(), lib.fnn_check_environment(), len(ids))
    """, FASTNN_PARALLEL=backend)
    assert out == f"{backend} 0 {1 if backend == 'serial' else 2}"


def test_environment_sets_the_number():
    assert python("print(lib.fnn_get_num_threads())", FASTNN_NUM_THREADS="3") == "3"


@pytest.mark.parametrize("name,value", [
    ("FASTNN_PARALLEL", "tbb"), ("FASTNN_NUM_THREADS", "many"), ("FASTNN_NUM_THREADS", "0"),
    ("FASTNN_ISA", "sse9"), ("FASTNN_ALLOCATOR", "jemalloc"),
    *([] if OPENMP else [("FASTNN_PARALLEL", "openmp")]),
])
def test_nonsense_in_the_environment_is_reported(name, value):
    out = python("print(lib.fnn_check_environment(), error())", **{name: value})
    assert out.startswith("1 " + name)


@needs_openmp
def test_openmp_limits_bite():
    """omp_set_num_threads is what threadpoolctl calls for libgomp."""
    out = python("""
        omp = c.CDLL("libgomp.so.1")
        default = lib.fnn_get_num_threads()
        was = omp.omp_get_max_threads()
        lib.fnn_set_num_threads(8)
        omp.omp_set_num_threads(1)
        limited = lib.fnn_get_num_threads()
        lib.fnn_set_num_threads(0)
        both = lib.fnn_get_num_threads()
        omp.omp_set_num_threads(was)
        print(was > 1, limited, both, lib.fnn_get_num_threads() == default)
    """, OMP_NUM_THREADS="2")
    assert out == "True 1 1 True"


@needs_openmp
def test_threadpoolctl_limits_bite():
    pytest.importorskip("threadpoolctl")
    out = python("""
        from threadpoolctl import threadpool_limits
        lib.fnn_set_num_threads(4)
        with threadpool_limits(limits=1):
            inside = lib.fnn_get_num_threads()
        print(inside, lib.fnn_get_num_threads())
    """, OMP_NUM_THREADS="4")
    assert out == "1 4"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors to leave one")
@pytest.mark.parametrize("env", [{}, {"OMP_PROC_BIND": "true"}])
def test_affinity(env):
    cpu = min(os.sched_getaffinity(0))
    head = f"import os; os.sched_setaffinity(0, {{{cpu}}}); import ctypes; "
    tail = f"l = ctypes.CDLL({str(LIBRARY)!r}); print(l.fnn_cpu_count(), l.fnn_get_num_threads())"
    done = subprocess.run([sys.executable, "-c", head + tail], capture_output=True, text=True,
                          env={**os.environ, **env}, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_openmp_binding_does_not_hide_processors():
    plain = python("print(lib.fnn_cpu_count())")
    assert python("print(lib.fnn_cpu_count())", OMP_PROC_BIND="close") == plain


@pytest.mark.parametrize("backend", BACKENDS)
def test_fork_after_a_region(backend):
    """100 children each run a region; a child that hangs is the failure."""
    out = python("""
        import os
        lib.fnn_set_num_threads(2)
        seen = []
        @RANGE_FN
        def body(_, b, e, t): seen.append(e - b)
        codes = set()
        for i in range(100):
            lib.fnn_parallel_for(1000, 1, body, None)
            pid = os.fork()
            if pid == 0:
                seen.clear()
                lib.fnn_parallel_for(1000, 1, body, None)
                os._exit(0 if sum(seen) == 1000 else 1)
            codes.add(os.waitpid(pid, 0)[1])
        print(codes)
    """, timeout=120, FASTNN_PARALLEL=backend)
    assert out == "{0}"


def test_fork_while_another_thread_computes():
    """An op, not a Python callback: a worker that enters Python takes the interpreter's own lock,
    and a CPython child that is forked in that moment hangs before it reaches us."""
    out = python("""
        import os, threading
        lib.fnn_set_num_threads(2)
        x, y, z = (tensor(0, 200_000) for _ in range(3))
        c.memset(x.storage.contents.data, 0, 800_000)
        stop = []
        def churn():
            while not stop: run("relu", [x], [y])
        thread = threading.Thread(target=churn)
        thread.start()
        codes = set()
        for i in range(50):
            pid = os.fork()
            if pid == 0:
                for _ in range(10): assert run("relu", [x], [z]) == 0
                os._exit(0)
            codes.add(os.waitpid(pid, 0)[1])
        stop.append(1)
        thread.join()
        print(codes)
    """, timeout=120)
    assert out == "{0}"


STEPS = """
    import time
    lib.fnn_set_num_threads(2)
    x, y = tensor(0, 300_000), tensor(0, 300_000)
    c.memset(x.storage.contents.data, 0, 1_200_000)
    times = []
    until = time.perf_counter() + 1.5
    while time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(10): run("relu", [x], [y])
        times.append(time.perf_counter() - start)
    print(sum(times) / len(times), sorted(times)[len(times) // 2])
"""


def test_two_processes_side_by_side():
    """A spinning neighbour must not stop us: OpenMP's regions here take 100 times as long."""
    alone = [float(v) for v in python(STEPS).split()]
    both = [None, None]

    def go(i):
        both[i] = [float(v) for v in python(STEPS).split()]

    threads = [threading.Thread(target=go, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    mean = statistics.mean(b[0] for b in both)
    assert mean < 8 * alone[0], (alone, both)
