"""One layer and direction of an RNN, LSTM or GRU: the time loop as one instruction."""

__all__ = []

from libc.stdint cimport int64_t

from ..fnn cimport FNN_I64, fnn_attr, fnn_op, fnn_tensor_data, fnn_tensor_numel
from ..door cimport attr_i, attr_ints, run_given
from ..tape cimport Node, record_many, recording_any
from ..tensor cimport Tensor, ctx
from .softmax cimport plain

cdef extern from "fastnn.h":
    enum:
        FNN_OP_rnn_tanh, FNN_OP_rnn_relu, FNN_OP_lstm, FNN_OP_gru
        FNN_OP_rnn_tanh_bwd, FNN_OP_rnn_relu_bwd, FNN_OP_lstm_bwd, FNN_OP_gru_bwd

cdef enum:
    LSTM = 2
    GRU = 3

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
cdef fnn_op[4] OPS = [FNN_OP_rnn_tanh, FNN_OP_rnn_relu, FNN_OP_lstm, FNN_OP_gru]
cdef fnn_op[4] BACKWARD = [FNN_OP_rnn_tanh_bwd, FNN_OP_rnn_relu_bwd, FNN_OP_lstm_bwd,
                           FNN_OP_gru_bwd]
cdef const char *LABELS[4]
LABELS[:] = [b"rnn_tanh", b"rnn_relu", b"lstm", b"gru"]


cdef Tensor fresh(bint wanted=True):
    return Tensor.__new__(Tensor) if wanted else None


cdef Tensor plain_or_none(Tensor x):
    return None if x is None else plain(x)


cdef int set_attrs(fnn_attr *attr, Tensor sizes, bint reverse) except -1:
    attr[0] = attr_ints(NULL, 0)
    if sizes is not None:
        if sizes.t.dtype != FNN_I64 or sizes.t.ndim != 1 or sizes.t.stride[0] != 1:
            raise RuntimeError("batch_sizes must be a contiguous vector of int64")
        attr[0] = attr_ints(<const int64_t *>fnn_tensor_data(&sizes.t), fnn_tensor_numel(&sizes.t))
    attr[1] = attr_i(reverse)
    return 0


def recurrence(str kind, Tensor x not None, Tensor weight not None, Tensor h0 not None,
               Tensor c0=None, Tensor bias=None, Tensor batch_sizes=None, bint reverse=False):
    """(y, hn), of an LSTM (y, hn, cn), of one layer and direction.

    kind: one of KINDS. x (rows, gates * H): what the input gives to the gates, biases included.
    Rows are steps of B each, or of batch_sizes, which does not grow. weight (gates * H, H), states
    (B, H), bias (gates * H), a GRU's of h W^T. reverse: from the last step to the first. There is
    no second derivative. Raises RuntimeError or ValueError where shapes do not go together.

    rnn: h = tanh(x + h W^T), or relu; lstm: c = sigmoid(f) c + sigmoid(i) tanh(g),
    h = sigmoid(o) tanh(c) with gates i, f, g, o; gru: n = tanh(x_n + r (h W_n^T + b_n)),
    h = (1 - z) n + z h with gates r, z, n.
    """
    cdef int which = KINDS.index(kind)
    cdef fnn_attr attr[2]
    cdef bint rec = recording_any([x, weight, h0, c0, bias])
    cdef Tensor w = plain(weight), h = plain(h0), c = plain_or_none(c0), y
    cdef int results = 3 if which == LSTM else 2
    cdef list outs = [fresh(), fresh(), fresh(which == LSTM), fresh(rec and which >= LSTM),
                      fresh(rec and which == LSTM)]
    cdef Node n
    set_attrs(attr, batch_sizes, reverse)
    run_given(OPS[which], [plain(x), w, h, c, plain_or_none(bias)], outs, attr)
    if rec:
        y = outs[0]
        n = record_many(recurrence_vjp, LABELS[which], outs[:results],
                        [x, weight, h0, c0, bias])
        n.i0, n.i1 = which, reverse
        n.save_out(0, y)
        n.save(1, weight)
        n.save(2, h0)
        n.save(3, c0)
        n.save(4, outs[3])
        n.save(5, outs[4])
        n.save(6, batch_sizes)
    return tuple(outs[:results])


cdef object recurrence_vjp(Node n, object g):
    """Back through time; dW = sum over steps of dgates^T h_prev."""
    cdef int which = <int>n.i0
    cdef fnn_attr attr[2]
    cdef list grads = g if isinstance(g, list) else [g]
    cdef list outs
    if ctx().grad_mode:
        raise NotImplementedError(f"{KINDS[which]}: no second derivative")
    grads = [plain_or_none(d) for d in grads] + [None] * (3 - len(grads))
    outs = [fresh(), fresh(), fresh(which == LSTM), fresh(n.needs(1)), fresh(n.needs(4))]
    set_attrs(attr, n.saved(6), n.i1)
    run_given(BACKWARD[which], [*grads, plain(n.saved(1)), plain(n.saved(2)),
                                plain_or_none(n.saved(3)), n.saved(0), n.saved(4), n.saved(5)],
              outs, attr)
    return outs[0], outs[3], outs[1], outs[2], outs[4]
