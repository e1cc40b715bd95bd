"""DataLoader in one process: batches, the fast path, argument checks, lengths."""

import numpy as np
import pytest

import fastnn
from fastnn.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Rows(Dataset):
    """The same samples as a TensorDataset, without being one."""

    def __init__(self, *tensors):
        self.tensors = tensors

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, i):
        return tuple(t[i] for t in self.tensors)


class Stream(IterableDataset):
    def __init__(self, n, length=None):
        self.n, self.length = n, length

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        if self.length is None:
            raise TypeError("no length")
        return self.length


def make_tensors(n=11):
    rows = np.arange(n * 6, dtype=np.float32).reshape(n, 2, 3)
    return fastnn.tensor(rows), fastnn.tensor(np.arange(n)), fastnn.tensor(np.arange(n) % 2 == 0)


def assert_same(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert type(x) is type(y) is list
        for s, t in zip(x, y, strict=True):
            assert s.dtype == t.dtype and s.shape == t.shape and s.tolist() == t.tolist()


@pytest.mark.parametrize("batch_size", [1, 4, 11, 20])
def test_fast_path_gives_what_item_by_item_gives(batch_size):
    tensors = make_tensors()
    fast = list(DataLoader(TensorDataset(*tensors), batch_size))
    assert_same(fast, list(DataLoader(Rows(*tensors), batch_size)))
    assert len(fast) == -(-11 // batch_size)


def test_fast_path_through_subsets():
    tensors = make_tensors()
    parts = [
        random_split(data, [0.6, 0.4], fastnn.Generator().manual_seed(0))
        for data in (TensorDataset(*tensors), Rows(*tensors))
    ]
    nested = [Subset(part[0], [3, 0, 5]) for part in parts]
    assert_same(*(list(DataLoader(part[1], 3)) for part in parts))
    assert_same(*(list(DataLoader(part, 2)) for part in nested))


def test_fast_path_gives_copies():
    data = TensorDataset(*make_tensors())
    batch = next(iter(DataLoader(data, 4)))
    batch[0].zero_()
    assert data.tensors[0].tolist() == make_tensors()[0].tolist()


def test_fast_path_keeps_gradients():
    x = fastnn.tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(x), 2):
        (batch * 2).sum().backward()
    assert x.grad.tolist() == [[2.0], [2.0], [2.0]]


def test_own_items_or_collate_are_respected():
    class Negated(TensorDataset):
        def __getitem__(self, i):
            return (-self.tensors[0][i],)

    x = fastnn.tensor([1.0, 2.0])
    assert next(iter(DataLoader(Negated(x), 2)))[0].tolist() == [-1.0, -2.0]
    assert next(iter(DataLoader(TensorDataset(x), 2, collate_fn=len))) == 2


def test_negative_and_bad_indices():
    data = TensorDataset(fastnn.tensor([1.0, 2.0, 3.0]))
    assert next(iter(DataLoader(data, batch_sampler=[[-1, 0]])))[0].tolist() == [3.0, 1.0]
    for bad in ([[3]], [[-4]]):
        with pytest.raises(IndexError):
            list(DataLoader(data, batch_sampler=bad))


def test_shuffle_visits_all_and_changes():
    loader = DataLoader(range(40), 7, shuffle=True, generator=fastnn.Generator().manual_seed(0))
    epochs = [[x for b in loader for x in b.tolist()] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(40)) and epochs[0] != epochs[1]


def test_drop_last_samplers_and_no_batching():
    assert [len(b) for b in DataLoader(range(10), 4, drop_last=True)] == [4, 4]
    assert [b.tolist() for b in DataLoader(range(10), 2, sampler=[7, 1, 3])] == [[7, 1], [3]]
    assert [b.tolist() for b in DataLoader(range(9), batch_sampler=[[8], [0, 1]])] == [[8], [0, 1]]
    assert list(DataLoader([1.0, 2.0], batch_size=None)) == [1.0, 2.0]
    single = list(DataLoader([np.ones(2)], batch_size=None))
    assert isinstance(single[0], fastnn.Tensor)


def test_streams():
    assert [b.tolist() for b in DataLoader(Stream(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Stream(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]


def test_stop_iteration_in_a_sample_does_not_end_the_epoch_silently():
    class Stops(Rows):
        def __getitem__(self, i):
            raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Stops([1, 2]), 2))


def test_lengths():
    assert len(DataLoader(range(10), 4)) == 3
    assert len(DataLoader(range(10), 4, drop_last=True)) == 2
    assert len(DataLoader(range(10), batch_size=None)) == 10
    assert len(DataLoader(Stream(9, length=9), 4)) == 3
    assert len(DataLoader(Stream(9, length=9), 4, drop_last=True)) == 2
    for loader in (DataLoader(Stream(3)), DataLoader(range(3), sampler=iter([0]))):
        with pytest.raises(TypeError):
            len(loader)


def test_a_stream_longer_than_its_length_warns():
    loader = DataLoader(Stream(5, length=2), batch_size=None)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="reported to be 2"):
        list(loader)


def test_empty_dataset():
    assert list(DataLoader([])) == []
    with pytest.raises(ValueError):
        DataLoader([], shuffle=True)


WRONG = {
    "batch_size 0": {"batch_size": 0},
    "batch_size float": {"batch_size": 1.5},
    "no batches, drop_last": {"batch_size": None, "drop_last": True},
    "batch_sampler and batch_size": {"batch_sampler": [[0]], "batch_size": 2},
    "batch_sampler and shuffle": {"batch_sampler": [[0]], "shuffle": True},
    "batch_sampler and sampler": {"batch_sampler": [[0]], "sampler": [0]},
    "batch_sampler and drop_last": {"batch_sampler": [[0]], "drop_last": True},
    "sampler and shuffle": {"sampler": [0], "shuffle": True},
    "negative workers": {"num_workers": -1},
    "negative timeout": {"timeout": -1},
    "prefetch without workers": {"prefetch_factor": 2},
    "negative prefetch": {"prefetch_factor": -2, "num_workers": 1},
    "persistent without workers": {"persistent_workers": True},
    "context without workers": {"multiprocessing_context": "fork"},
    "unknown context": {"multiprocessing_context": "nonsense", "num_workers": 1},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    with pytest.raises(ValueError):
        DataLoader(range(4), **WRONG[name])


def test_context_of_the_wrong_type():
    with pytest.raises(TypeError):
        DataLoader(range(4), num_workers=1, multiprocessing_context=3)


@pytest.mark.parametrize("option", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_a_stream_has_no_order_to_choose(option):
    with pytest.raises(ValueError, match="IterableDataset"):
        DataLoader(Stream(3), **option)
    DataLoader(Stream(3), shuffle=False)


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_fixed_attributes(name):
    with pytest.raises(ValueError, match=name):
        setattr(DataLoader(range(3)), name, None)


def test_dotted_imports():
    import importlib

    for name, member in [
        ("dataloader", "DataLoader"),
        ("dataloader", "default_collate"),
        ("dataset", "TensorDataset"),
        ("sampler", "RandomSampler"),
        ("distributed", "DistributedSampler"),
    ]:
        module = importlib.import_module(f"fastnn.utils.data.{name}")
        assert getattr(module, member) is not None
    assert fastnn.utils.data.DataLoader is DataLoader
