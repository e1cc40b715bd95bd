"""Sparse matrices and SparseAdam against PyTorch."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
R = np.random.default_rng(0)
AT = np.array([[0, 1, 1, 3, 0], [2, 0, 2, 1, 2]])  # (0, 2) is there twice
V, X, Y = R.standard_normal(5), R.standard_normal((3, 2)), R.standard_normal((4, 3))


def matrix(T, **options):
    return T.sparse_coo_tensor(AT, V, (4, 3), **options)


def dense(T, x):
    x = x.to_dense() if x.is_sparse else x
    return np.array(x.detach().tolist())


CALLS = {
    "to_dense": lambda T, s: s.to_dense(), "mm": lambda T, s: T.sparse.mm(s, T.tensor(X)),
    "spmm": lambda T, s: T.spmm(s, T.tensor(X)), "@": lambda T, s: s @ T.tensor(X),
    "torch.mm": lambda T, s: T.mm(s, T.tensor(X)), "mv": lambda T, s: s @ T.tensor(X[:, 0]),
    "torch.matmul": lambda T, s: T.matmul(s, T.tensor(X)),
    "t": lambda T, s: s.t() @ T.tensor(Y), "transpose": lambda T, s: T.transpose(s, 0, 1),
    "addmm": lambda T, s: T.sparse.addmm(T.ones(4, 2, dtype=T.float64), s, T.tensor(X), beta=2.0),
    "scaled": lambda T, s: 2 * s / 3.0, "negated": lambda T, s: -s, "sum": lambda T, s: s + s,
    "difference": lambda T, s: s - s.coalesce(), "plus dense": lambda T, s: T.tensor(Y) + s,
    "product": lambda T, s: s.coalesce() * s.coalesce(),
    "matrix product": lambda T, s: T.sparse.mm(s, s.t()),
    "sum of all": lambda T, s: T.sparse.sum(s), "sum of rows": lambda T, s: T.sparse.sum(s, 1),
    "softmax": lambda T, s: T.sparse.softmax(s, 1),
    "log_softmax": lambda T, s: T.sparse.log_softmax(s, 0),
    "float": lambda T, s: s.float(), "to": lambda T, s: s.to("cpu", T.float32),
    "from dense": lambda T, s: s.to_dense().to_sparse(),
    "rows of vectors": lambda T, s: T.sparse_coo_tensor([[0, 2, 0]], T.tensor(X), (4, 2)),
    "empty": lambda T, s: T.sparse_coo_tensor(T.zeros(2, 0, dtype=T.int64), T.zeros(0), (2, 3)),
    "legacy": lambda T, s: T.sparse.FloatTensor(T.tensor(AT), T.tensor(V).float(), T.Size([4, 3])),
    "masked": lambda T, s: T.tensor(Y).sparse_mask(s.coalesce()),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    theirs, ours = (CALLS[name](T, matrix(T)) for T in (torch, fastnn))
    assert theirs.is_sparse == ours.is_sparse and str(theirs.dtype)[6:] == str(ours.dtype)[7:]
    assert tuple(theirs.shape) == tuple(ours.shape)
    np.testing.assert_allclose(dense(fastnn, ours), dense(torch, theirs), rtol=1e-6, atol=1e-12)


def test_gradients_go_to_both_sides():
    found = []
    for T in (torch, fastnn):
        s, x = matrix(T, requires_grad=True), T.tensor(X, requires_grad=True)
        (T.sparse.mm(s, x) ** 2).sum().backward()
        found.append([dense(T, s.grad), np.array(x.grad.tolist())])
    for want, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    v = fastnn.tensor(V, requires_grad=True)
    assert fastnn.autograd.gradgradcheck(
        lambda v, x: fastnn.sparse_coo_tensor(AT, v, (4, 3)) @ x,
        (v, fastnn.tensor(X, requires_grad=True)))


def test_forms():
    s, t = matrix(fastnn), matrix(torch)
    assert s.is_sparse and not s.is_coalesced() and s._nnz() == 5 and s.layout == fastnn.sparse_coo
    c, d = s.coalesce(), t.coalesce()
    assert c.indices().tolist() == d.indices().tolist() and c.values().tolist() == pytest.approx(
        d.values().tolist())
    assert isinstance(s, fastnn.Tensor) and fastnn.is_tensor(s) and s.size(0) == len(s) == 4
    with pytest.raises(RuntimeError, match="coalesce"):
        s.indices()
    with pytest.raises(TypeError):
        fastnn.exp(s)
    with pytest.raises(TypeError):
        fastnn.ones(4, 3).add_(s)
    module = fastnn.nn.Module()
    module.register_buffer("adjacency", s)
    assert module.to("cpu").double().adjacency.is_sparse
    assert fastnn.ones(2).to_dense().tolist() == [1, 1]
    for places in ([[0, 5]], [[-1, 1]]):  # which PyTorch writes to, unless it is told to check
        with pytest.raises(RuntimeError, match="size"):
            fastnn.sparse_coo_tensor(places, [1.0, 2.0], (2,))
    for bad in (lambda T: T.sparse_coo_tensor([[0, 1]], [1.0], (2,)),
                lambda T: T.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (2, 2)),
                lambda T: matrix(T) @ T.tensor(Y)):
        for T in (torch, fastnn):
            with pytest.raises(RuntimeError):
                bad(T)


def test_sparse_adam_steps_only_where_rows_were_used():
    found = []
    for T in (torch, fastnn):
        table = T.nn.Embedding(6, 3, sparse=True)
        with T.no_grad():
            table.weight.copy_(T.arange(18.0).reshape(6, 3) / 10)
        opt = T.optim.SparseAdam(list(table.parameters()), lr=0.1)
        for rows in ([0, 2, 2], [1, 2], [5], [0, 5]):
            opt.zero_grad()
            (table(T.tensor(rows)) ** 2).sum().backward()
            opt.step()
        found.append(np.array(table.weight.tolist()))
        assert sorted(opt.state_dict()["state"][0]) == ["exp_avg", "exp_avg_sq", "step"]
    np.testing.assert_allclose(found[1], found[0], rtol=2e-6)
    with pytest.raises(ValueError):
        fastnn.optim.SparseAdam([fastnn.ones(2, 2, requires_grad=True)], lr=0.0)
