"""DataLoader with worker processes: order, errors, deaths, seeds, persistence."""

import itertools
import os
import random
import signal
import threading
import time

import numpy as np
import pytest

import fastnn
from fastnn.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    get_worker_info,
)

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]


class Rows(Dataset):
    """Sample i is (3 floats of i, i); trouble maps an index to what happens there instead."""

    def __init__(self, n=20, trouble=None):
        self.n, self.trouble = n, trouble or {}

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i in self.trouble:
            self.trouble[i]()
        return fastnn.tensor([float(i)] * 3), i


class Shares(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, self.n, info.num_workers))


def raise_value_error():
    raise ValueError("sample is broken")


class Picky(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def raise_picky():
    raise Picky(1, 2)


def raise_key_error():
    raise KeyError("missing")


def leave():
    os._exit(7)


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def labels(loader):
    return [batch[1].tolist() for batch in loader]


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("prefetch", [1, 2, 5])
def test_order_is_kept(workers, prefetch):
    loader = DataLoader(Rows(), 3, num_workers=workers, prefetch_factor=prefetch)
    batches = list(loader)
    assert [b[1].tolist() for b in batches] == labels(DataLoader(Rows(), 3))
    assert batches[2][0].tolist() == [[float(i)] * 3 for i in (6, 7, 8)]
    assert batches[0][0].dtype is fastnn.float32
    assert len(loader) == 7


def test_slow_batches_do_not_change_the_order():
    slow = Rows(12, {0: lambda: time.sleep(0.3), 5: lambda: time.sleep(0.2)})
    assert labels(DataLoader(slow, 2, num_workers=2)) == labels(DataLoader(Rows(12), 2))


def test_out_of_order_gives_what_is_ready():
    slow = Rows(8, {0: lambda: time.sleep(1.0)})
    loader = DataLoader(slow, 2, num_workers=2, in_order=False)
    order = labels(loader)
    assert sorted(order) == [[0, 1], [2, 3], [4, 5], [6, 7]] and order[0] != [0, 1]


def test_big_batches_are_mapped_and_writable():
    x = fastnn.tensor(np.random.default_rng(0).standard_normal((64, 1000)).astype(np.float32))
    batches = list(DataLoader(TensorDataset(x), 16, num_workers=2))
    assert np.array_equal(np.concatenate([b[0].numpy() for b in batches]), x.numpy())
    batches[0][0].fill_(7.0)
    assert batches[0][0].numpy().max() == 7.0


def test_structures_survive():
    class Mixed(Rows):
        def __getitem__(self, i):
            return {"x": np.full(2, i), "name": f"s{i}", "flag": i > 2, "pair": [1.5, i]}

    here = list(DataLoader(Mixed(5), 2))
    there = list(DataLoader(Mixed(5), 2, num_workers=2))
    for a, b in zip(here, there, strict=True):
        assert a["name"] == b["name"] and a["x"].tolist() == b["x"].tolist()
        assert a["flag"].dtype is b["flag"].dtype is fastnn.bool
        assert [t.tolist() for t in a["pair"]] == [t.tolist() for t in b["pair"]]


def test_workers_share_nothing_of_what_a_dataset_reuses():
    class Reused(IterableDataset):
        def __iter__(self):
            buffer = np.zeros(5000)
            for i in range(6):
                buffer[:] = i
                yield buffer

    loader = DataLoader(Reused(), batch_size=None, num_workers=1)
    assert [b.tolist()[0] for b in loader] == [0, 1, 2, 3, 4, 5]


def test_iterable_datasets():
    loader = DataLoader(Shares(11), 2, num_workers=2)
    batches = [b.tolist() for b in loader]
    assert batches == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]
    assert sorted(itertools.chain(*batches)) == list(range(11))
    uneven = DataLoader(Shares(5), 1, num_workers=3)
    assert sorted(b.item() for b in uneven) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", [ValueError, KeyError])
def test_exceptions_arrive_with_their_traceback(kind):
    trouble = {ValueError: raise_value_error, KeyError: raise_key_error}[kind]
    loader = DataLoader(Rows(8, {5: trouble}), 2, num_workers=2)
    with pytest.raises(kind) as caught:
        list(loader)
    text = str(caught.value)
    assert "worker process 0" in text and trouble.__name__ in text and "Original Traceback" in text
    assert "\n" in text


def test_an_exception_that_cannot_be_rebuilt_is_a_runtime_error():
    with pytest.raises(RuntimeError, match="Picky"):
        list(DataLoader(Rows(4, {1: raise_picky}), 2, num_workers=1))


def test_stop_iteration_in_a_sample_does_not_end_the_epoch_silently():
    def stop():
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Rows(4, {1: stop}), 2, num_workers=1))


def test_going_on_after_an_exception():
    loader = iter(DataLoader(Rows(8, {2: raise_value_error}), 2, num_workers=2))
    assert next(loader)[1].tolist() == [0, 1]
    with pytest.raises(ValueError):
        next(loader)
    assert [b[1].tolist() for b in loader] == [[4, 5], [6, 7]]


def test_what_cannot_be_pickled_is_reported():
    loader = DataLoader(Rows(4), 2, num_workers=1, collate_fn=lambda b: threading.Lock())
    with pytest.raises(TypeError, match="pickle"):
        list(loader)


def test_a_tensor_with_history_cannot_leave():
    w = fastnn.tensor([2.0], requires_grad=True)
    loader = DataLoader(Rows(4), 2, num_workers=1, collate_fn=lambda b: w * 2)
    with pytest.raises(RuntimeError, match="grad_fn"):
        list(loader)
    leaf = DataLoader(Rows(2), 2, num_workers=1, collate_fn=lambda b: w)
    assert next(iter(leaf)).requires_grad


@pytest.mark.parametrize(("end", "how"), [(leave, "exit code 7"), (be_killed, "signal 9")])
def test_a_dead_worker_is_an_error_not_a_hang(end, how):
    loader = DataLoader(Rows(20, {6: end}), 2, num_workers=2)
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=how):
        list(loader)
    assert time.monotonic() - start < 20


def test_timeout():
    slow = Rows(4, {0: lambda: time.sleep(30)})
    loader = DataLoader(slow, 2, num_workers=1, timeout=0.3)
    it = iter(loader)
    with pytest.raises(RuntimeError, match="timed out after 0.3"):
        next(it)
    it._pool.processes[0].terminate()


def test_worker_info_and_init():
    class Who(Rows):
        def __getitem__(self, i):
            info = get_worker_info()
            assert info.dataset is self and info.num_workers == 2
            with pytest.raises(RuntimeError):
                info.id = 5
            return info.id, info.seed, self.extra

    def init(worker):
        get_worker_info().dataset.extra = worker * 10

    assert get_worker_info() is None
    g = fastnn.Generator().manual_seed(0)
    batches = list(DataLoader(Who(4), 2, num_workers=2, worker_init_fn=init, generator=g))
    assert [b[0].tolist() for b in batches] == [[0, 0], [1, 1]]
    assert [b[2].tolist() for b in batches] == [[0, 0], [10, 10]]
    assert batches[1][1][0].item() == batches[0][1][0].item() + 1


def test_a_failing_init_is_reported():
    def init(worker):
        raise OSError("no such disk")

    with pytest.raises(OSError, match="no such disk"):
        list(DataLoader(Rows(4), 2, num_workers=2, worker_init_fn=init))


class Dice(Rows):
    def __getitem__(self, i):
        return (
            random.random(),
            np.random.rand(),
            fastnn.randint(0, 2**31, (1,)).item(),
            fastnn.get_num_threads(),
        )


def test_each_worker_has_its_own_reproducible_seed():
    def throw(seed):
        g = fastnn.Generator().manual_seed(seed)
        loader = DataLoader(Dice(4), 2, num_workers=2, generator=g)
        return [[column.tolist() for column in batch] for batch in loader]

    a, b, c = throw(1), throw(1), throw(2)
    assert a == b != c
    for column in range(3):
        drawn = a[0][column] + a[1][column] + c[0][column] + c[1][column]
        assert len(set(drawn)) == 8
    assert a[0][3] == [1, 1]


def test_persistent_workers_are_reused_and_fresh_ones_are_not():
    class Pid(Rows):
        def __getitem__(self, i):
            return os.getpid()

    def pids(loader):
        return {x for batch in loader for x in batch.tolist()}

    keep = DataLoader(Pid(8), 2, num_workers=2, persistent_workers=True)
    assert pids(keep) == pids(keep) and len(pids(keep)) == 2
    fresh = DataLoader(Pid(8), 2, num_workers=2)
    assert not pids(fresh) & pids(fresh)


def test_persistent_workers_after_an_epoch_left_early():
    loader = DataLoader(Rows(30), 2, num_workers=2, persistent_workers=True)
    for _ in range(4):
        assert next(iter(loader))[1].tolist() == [0, 1]
    assert labels(loader) == labels(DataLoader(Rows(30), 2))
    stream = DataLoader(Shares(8), 2, num_workers=2, persistent_workers=True)
    for _ in range(3):
        assert [b.tolist() for b in stream] == [[0, 2], [1, 3], [4, 6], [5, 7]]


def test_prefetch_is_bounded(tmp_path):
    class Log(Rows):
        def __getitem__(self, i):
            (tmp_path / str(i)).touch()
            return i

    it = iter(DataLoader(Log(50), 1, num_workers=2, prefetch_factor=3))
    next(it)
    time.sleep(1.0)
    assert len(list(tmp_path.iterdir())) == 7  # the one taken, and 2 * 3 on their way


def test_requests_and_answers_larger_than_a_socket_do_not_lock():
    class Text(Rows):
        def __getitem__(self, i):
            return "x" * 1000

    loader = DataLoader(Text(200_000), batch_sampler=[range(i, i + 60_000) for i in range(8)],
                        num_workers=2, prefetch_factor=4, collate_fn=lambda b: b[:3000])
    assert [len(b) for b in loader] == [3000] * 8


def test_fork_after_parallel_work():
    x = fastnn.tensor(np.ones((600, 600), dtype=np.float32))
    (x @ x).relu()

    class Compute(Rows):
        def __getitem__(self, i):
            return (x @ x).relu().sum().item()

    loader = DataLoader(Compute(4), 2, num_workers=2)
    assert [b.tolist() for b in loader] == [[600.0**3] * 2] * 2


def test_nothing_is_left_behind():
    def files():
        return len(os.listdir("/proc/self/fd"))

    list(DataLoader(Rows(), 2, num_workers=2))
    before = files()
    for _ in range(3):
        list(DataLoader(Rows(), 2, num_workers=2))
    it = iter(DataLoader(Rows(), 2, num_workers=2))
    next(it)
    pids = [p.pid for p in it._pool.processes]
    del it
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert files() == before


def test_interrupt_reaches_the_caller_and_workers_go_on():
    slow = Rows(8, {0: lambda: time.sleep(1.0)})
    it = iter(DataLoader(slow, 2, num_workers=2))
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        next(it)
    assert [b[1].tolist() for b in it] == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_spawned_workers():
    loader = DataLoader(Rows(6), 2, num_workers=1, multiprocessing_context="spawn")
    assert labels(loader) == labels(DataLoader(Rows(6), 2))
    assert loader.multiprocessing_context.get_start_method() == "spawn"
