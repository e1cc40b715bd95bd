"""What a C program may hand over: borrowed memory, operands left out, threads of its own."""

import ctypes as c
import threading

import pytest
from native import Attr, Call, Tensor, error, lib, run, stats, tensor, view

F32 = 0
lib.fnn_tensor_borrow.argtypes = [c.POINTER(Tensor), c.c_void_p, c.c_int, c.c_int, c.c_int,
                                  c.c_void_p, c.c_void_p]
lib.fnn_tensor_view.argtypes = [c.POINTER(Tensor), c.c_void_p, c.c_int64, c.c_int, c.c_int,
                                c.c_void_p, c.c_void_p]
lib.fnn_storage_borrow.restype = c.c_void_p
lib.fnn_storage_borrow.argtypes = [c.c_void_p, c.c_int64, c.c_int, c.c_void_p, c.c_void_p]


class Context(c.Structure):
    _fields_ = [("observers", c.c_void_p), ("grad_mode", c.c_int32), ("inference", c.c_int32),
                ("num_threads", c.c_int32), ("reserved", c.c_int32)]


lib.fnn_context_current.restype = c.POINTER(Context)


def sizes(*values):
    return c.cast((c.c_int64 * max(1, len(values)))(*values), c.c_void_p)


def borrow(memory, shape, stride=None, writable=1, dtype=F32):
    t = Tensor()
    at = memory if isinstance(memory, int) or memory is None else c.addressof(memory)
    status = lib.fnn_tensor_borrow(t, at, writable, dtype, len(shape), sizes(*shape),
                                   None if stride is None else sizes(*stride))
    return status, t


def test_borrowed_memory_is_read_and_written():
    memory, before = (c.c_float * 6)(-1, 2, -3, 4, -5, 6), stats().blocks
    status, t = borrow(memory, [2, 2], [3, 1])
    assert status == 0 and run("relu", [t], [t]) == 0
    assert list(memory) == [0, 2, -3, 4, 0, 6]
    lib.fnn_tensor_release(c.byref(t))
    assert stats().blocks == before


def test_memory_that_is_only_lent_for_reading():
    memory = (c.c_float * 2)(-1, 2)
    _, t = borrow(memory, [2], writable=0)
    assert run("relu", [t], [t]) == 3 and "read-only" in error()
    assert list(memory) == [-1, 2]
    lib.fnn_tensor_release(c.byref(t))


@pytest.mark.parametrize("at, shape, stride, status", [
    (None, [2], None, 1), (1, [2], None, 1), (64, [2**40, 2**40], None, 1), (64, [-1], None, 3),
    (64, [2, 2], [2**62, 1], 1), (64, [2], [-1], 3), (64, [1] * 9, None, 1),
])
def test_memory_that_is_refused(at, shape, stride, status):
    got, t = borrow(at, shape, stride)
    assert got == status and not t.storage and error()


def test_no_elements_need_no_memory():
    status, t = borrow(None, [0, 3])
    assert status == 0 and lib.fnn_tensor_numel(c.byref(t)) == 0
    lib.fnn_tensor_release(c.byref(t))


def test_storage_over_nothing_is_refused():
    assert lib.fnn_storage_borrow(None, 4, 1, None, None) is None and "cannot borrow" in error()
    assert lib.fnn_storage_borrow(64, -1, 1, None, None) is None
    # the NULL of a refused storage is handed on, as programs do that check once
    assert lib.fnn_tensor_view(Tensor(), None, 0, F32, 0, None, None) == 5


def filled(*values):
    t = tensor(F32, len(values))
    view(t, c.c_float)[:] = values
    return t


def test_operands_that_are_left_out_are_null():
    """Optional ones at the end need not be counted; what must be there must."""
    x, w, y = tensor(F32, 2, 3), tensor(F32, 4, 3), Tensor()
    assert run("linear", [x, w], [y], 0) == 0
    assert run("linear", [x], [Tensor()], 0) == 1 and "missing or too many" in error()
    values, index = Tensor(), Tensor()
    attrs = (Attr * 2)()
    attrs[0].v.p, attrs[0].n = sizes(0), 1
    pointers = c.POINTER(Tensor)
    for nout in (1, 2):
        call = Call(lib.fnn_op_find(b"max_dim"), 1, nout, (pointers * 1)(c.pointer(x)),
                    (pointers * 2)(c.pointer(values), c.pointer(index)), attrs)
        assert lib.fnn_run(c.byref(call)) == 0
        assert bool(index.storage) == (nout == 2)


@pytest.mark.parametrize("name, inputs, outputs", [
    ("relu", 1, 0), ("layer_norm", 1, 2), ("relu", 2, 1), ("relu", -1, 1), ("relu", 1, 9),
])
def test_too_few_and_too_many(name, inputs, outputs):
    x = filled(1, 2, 3)
    before = stats().blocks
    ins = (c.POINTER(Tensor) * 9)(*[c.pointer(x)] * 9)
    outs = [Tensor() for _ in range(9)]
    call = Call(lib.fnn_op_find(name.encode()), inputs, outputs, ins,
                (c.POINTER(Tensor) * 9)(*[c.pointer(t) for t in outs]), (Attr * 3)())
    assert lib.fnn_run(c.byref(call)) == 1 and name in error()
    assert stats().blocks == before


def test_any_number_of_operands_has_no_holes():
    x = filled(1, 2)
    assert run("cat", [x, None], [Tensor()], 0) == 1 and "cat" in error()


def test_a_list_that_is_not_there():
    x = tensor(F32, 2, 3)
    attrs = (Attr * 2)()
    for n, p in ((1, None), (-1, sizes(0))):
        attrs[0].n, attrs[0].v.p = n, p
        ins = (c.POINTER(Tensor) * 1)(c.pointer(x))
        outs = (c.POINTER(Tensor) * 1)(c.pointer(Tensor()))
        call = Call(lib.fnn_op_find(b"sum"), 1, 1, ins, outs, attrs)
        assert lib.fnn_run(c.byref(call)) == 1 and "sum" in error()


def test_recurrent_outputs_that_have_no_source():
    x, w, h = tensor(F32, 3, 4), tensor(F32, 4, 4), tensor(F32, 3, 4)
    outs = [Tensor(), Tensor(), Tensor()]
    ins = [x, w, h, None, None]
    pointers = c.POINTER(Tensor)
    call = Call(lib.fnn_op_find(b"rnn_tanh"), 5, 3,
                (pointers * 5)(*[t and c.pointer(t) for t in ins]),
                (pointers * 3)(*[c.pointer(t) for t in outs]), (Attr * 2)())
    assert lib.fnn_run(c.byref(call)) == 1 and "cn" in error()


def test_a_thread_sets_its_own_number_of_threads():
    lib.fnn_set_num_threads(5)
    seen = []

    def other():
        lib.fnn_context_current().contents.num_threads = 1
        seen.append(lib.fnn_get_num_threads())

    try:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert seen == [1] and lib.fnn_get_num_threads() == 5
        lib.fnn_context_current().contents.num_threads = 3
        assert lib.fnn_get_num_threads() == 3
    finally:
        lib.fnn_context_current().contents.num_threads = 0
    assert lib.fnn_get_num_threads() == 5


def test_an_output_that_the_op_cannot_step_through():
    """softmax writes rows of neighbours; into others it would write past them."""
    x, wide = tensor(F32, 2, 3), tensor(F32, 2, 6)
    every_other = Tensor.from_buffer_copy(wide)
    every_other.size[1], every_other.stride[1] = 3, 2
    assert run("softmax", [x], [every_other], 1) == 3 and "strides" in error()
    assert run("exp", [x], [every_other]) == 0  # pointwise ops step through anything


def test_a_size_that_depends_on_the_data_is_written_nowhere():
    x, y = filled(0, 1, 0), tensor(F32, 1)
    assert run("nonzero", [x], [y]) == 1 and "depends on the data" in error()


def test_a_reduction_that_is_none():
    x, target = filled(1, 2), filled(1, 1)
    for how in (3, -1, 2**40):
        assert run("mse_loss", [x, target], [Tensor()], how) == 1 and "no such reduction" in error()


@pytest.mark.parametrize("name, operands, attrs", [
    ("tri", 1, (2**63 - 1, 1)), ("tri", 1, (-2**63, 0)), ("one_hot", 1, (2**63 - 1,)),
    ("embedding_bwd", 1, (2**61, -100, 1)), ("layer_norm", 1, (-2**63, 1e-5)),
])
def test_numbers_at_the_ends_of_their_range(name, operands, attrs):
    """Whatever they mean is computed or refused; sizes that they are part of do not wrap."""
    x = tensor(2 if name == "one_hot" else F32, 2, 2)
    out = [Tensor() for _ in range(3 if name == "layer_norm" else 1)]
    inputs = [x, tensor(2, 2)] if name == "embedding_bwd" else [x]
    view(x, c.c_int32)[:] = [0] * len(view(x, c.c_int32))
    assert run(name, inputs, out, *attrs) in (0, 1, 3, 5)
