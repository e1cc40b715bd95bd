"""Observers see every instruction, those that NumPy computes included, and may refuse any."""

import ctypes as c
import struct

import numpy as np
import pytest
from native import LIBRARY, Call, lib

import fastnn as nn
from fastnn import linalg
from fastnn._core import runtime
from fastnn._core.host import host_op

BEFORE = c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Call))
AFTER = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(Call), c.c_int)


class Observer(c.Structure):
    _fields_ = [("before", BEFORE), ("after", AFTER), ("next", c.c_void_p)]


class Watch:
    """Notes (op, shapes in, shapes out, status) of each instruction; refuses those named."""

    def __init__(self, *refused):
        self.seen, self.refused = [], refused
        self.observer = Observer(BEFORE(self.before), AFTER(self.after), None)

    def before(self, _, call):
        return 3 if self.name(call) in self.refused else 0

    def after(self, _, call, status):
        shapes = [[tuple(t[0].size[:t[0].ndim]) for t in side[:n] if t]
                  for side, n in ((call[0].in_, call[0].nin), (call[0].out, call[0].nout))]
        self.seen.append((self.name(call), *shapes, status))

    @staticmethod
    def name(call):
        return lib.fnn_op_name(call[0].op).decode()

    def __enter__(self):
        lib.fnn_observer_push(c.byref(self.observer))
        return self

    def __exit__(self, *exc):
        lib.fnn_observer_pop(c.byref(self.observer))


X = nn.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
SQUARE = nn.tensor([[4.0, 1.0], [1.0, 3.0]])
HOST = {
    "sort": lambda: nn.sort(X), "argsort": lambda: nn.argsort(X), "topk": lambda: nn.topk(X, 2),
    "kthvalue": lambda: nn.kthvalue(X, 2), "median": lambda: nn.median(X),
    "mode": lambda: nn.mode(X), "quantile": lambda: nn.quantile(X, 0.5),
    "unique": lambda: nn.unique(X), "unique_consecutive": lambda: nn.unique_consecutive(X),
    "isin": lambda: nn.isin(X, X), "histc": lambda: nn.histc(X, 3),
    "bincount": lambda: nn.bincount(nn.tensor([1, 1, 2])),
    "searchsorted": lambda: nn.searchsorted(nn.tensor([1.0, 2.0]), X),
    "multinomial": lambda: nn.multinomial(nn.ones(4), 2),
    "linalg.inv": lambda: linalg.inv(SQUARE), "linalg.solve": lambda: linalg.solve(SQUARE, SQUARE),
    "linalg.det": lambda: linalg.det(SQUARE), "linalg.slogdet": lambda: linalg.slogdet(SQUARE),
    "linalg.cholesky": lambda: linalg.cholesky(SQUARE), "linalg.qr": lambda: linalg.qr(SQUARE),
    "linalg.svd": lambda: linalg.svd(SQUARE), "linalg.eigh": lambda: linalg.eigh(SQUARE),
    "linalg.pinv": lambda: linalg.pinv(SQUARE),
}  # fmt: skip


@pytest.mark.parametrize("name", HOST)
def test_host_ops_are_seen(name):
    with runtime.Trace() as trace:
        HOST[name]()
    assert (name, True) in trace.ops


@pytest.mark.parametrize("name", HOST)
def test_host_ops_can_be_refused(name):
    with Watch(name) as watch, pytest.raises(RuntimeError):
        HOST[name]()
    assert watch.seen[-1][0] == name and watch.seen[-1][3] == 3
    HOST[name]()


def test_operands_and_results():
    with Watch() as watch:
        nn.sort(X)
        linalg.svd(X, full_matrices=False)
    assert watch.seen[0] == ("sort", [(2, 3)], [(2, 3)], 0)
    assert watch.seen[-1] == ("linalg.svd", [(2, 3)], [(2, 2), (2,), (2, 3)], 0)


def test_a_failing_host_op_is_seen_as_failed():
    with Watch() as watch, pytest.raises(RuntimeError, match="linalg"):
        linalg.inv(nn.zeros(2, 2))
    name, ins, outs, status = watch.seen[-1]
    assert (name, ins, outs) == ("linalg.inv", [(2, 2)], []) and status != 0


def test_results_do_not_share_the_operands_memory():
    x = nn.arange(4.0)
    y = host_op("identity", lambda a: a, x)
    part = host_op("part", lambda a: a[1:3], x)
    x[1] = 7.0
    assert y.tolist() == [0.0, 1.0, 2.0, 3.0] and part.tolist() == [1.0, 2.0]
    assert host_op("nothing", lambda a: None, x) is None


def test_two_names_are_two_ops():
    lib.fnn_host_op.argtypes = [c.c_char_p]
    names = [b"first of its kind", b"second of its kind"]
    ops = [lib.fnn_host_op(n) for n in names]
    assert len(set(ops)) == 2 and [lib.fnn_host_op(n) for n in names] == ops
    assert [lib.fnn_op_name(op) for op in ops] == names
    call = Call(op=ops[0])
    assert lib.fnn_run(c.byref(call)) != 0 and b"no such opcode" in lib.fnn_last_error()
    call.op = lib.fnn_op_find(b"add")
    assert lib.fnn_host_begin(c.byref(call)) != 0


def test_few_thread_locals():
    """They are reached without a call, which dlopen grants only to small libraries."""
    data = LIBRARY.read_bytes()
    if data[:4] != b"\x7fELF":
        pytest.skip("ELF's thread-local segment; this is another format")
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    heads = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]
    tls = [h[6] for h in heads if h[0] == 7]
    assert len(tls) == 1 and 0 < tls[0] <= 128


def test_serials_are_unique_across_threads():
    import threading

    found: list[list[int]] = [[], [], []]

    def take(mine):
        for _ in range(5000):
            s = lib.fnn_storage_new(8)
            mine.append(s.contents.serial)
            lib.fnn_storage_release(s)

    threads = [threading.Thread(target=take, args=(mine,)) for mine in found]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert np.unique(np.concatenate(found)).size == 15000
