"""Datasets, splits and collating."""

import collections

import numpy as np
import pytest

import fastnn
from fastnn.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    default_collate,
    default_convert,
    random_split,
)


class Squares(Dataset):
    def __init__(self, n, start=0):
        self.n, self.start = n, start

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return (self.start + i) ** 2


class Batched(Squares):
    """Counts how it is read."""

    calls = 0

    def __getitems__(self, indices):
        Batched.calls += 1
        return [self[i] for i in indices]


class Stream(IterableDataset):
    def __init__(self, *values):
        self.values = values

    def __iter__(self):
        return iter(self.values)


def test_tensor_dataset():
    data = TensorDataset(fastnn.tensor([[1.0, 2.0], [3.0, 4.0]]), fastnn.tensor([5, 6]))
    x, y = data[1]
    assert len(data) == 2 and x.tolist() == [3.0, 4.0] and y.item() == 6
    with pytest.raises(AssertionError, match="Size mismatch"):
        TensorDataset(fastnn.tensor([1]), fastnn.tensor([1, 2]))


def test_concat_and_chain():
    both = Squares(3) + Squares(2, start=10)
    assert isinstance(both, ConcatDataset) and len(both) == 5
    assert [both[i] for i in range(5)] == [0, 1, 4, 100, 121]
    assert both[-1] == 121 and both[-5] == 0
    assert both.cumulative_sizes == [3, 5]
    with pytest.raises(ValueError):
        both[-6]
    with pytest.raises(IndexError):
        both[5]
    with pytest.raises(AssertionError):
        ConcatDataset([])
    with pytest.raises(AssertionError):
        ConcatDataset([Stream(1)])
    chained = Stream(1, 2) + Stream(3)
    assert isinstance(chained, ChainDataset) and list(chained) == [1, 2, 3]
    with pytest.raises(AssertionError):
        list(ChainDataset([Squares(2)]))


def test_stack():
    pair = StackDataset(Squares(3), Squares(3, start=1))
    assert pair[2] == (4, 9) and len(pair) == 3
    assert pair.__getitems__([0, 1]) == [(0, 1), (1, 4)]
    named = StackDataset(a=Squares(2), b=Batched(2))
    assert named[1] == {"a": 1, "b": 1}
    before = Batched.calls
    assert named.__getitems__([1, 0]) == [{"a": 1, "b": 1}, {"a": 0, "b": 0}]
    assert Batched.calls == before + 1
    for wrong in (lambda: StackDataset(), lambda: StackDataset(Squares(2), Squares(3))):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(ValueError):
        StackDataset(Squares(2), a=Squares(2))


def test_subset_reads_batches_at_once():
    part = Subset(Batched(10), [9, 3, 5])
    assert part[1] == 9 and len(part) == 3
    before = Batched.calls
    assert part.__getitems__([0, 2]) == [81, 25]
    assert Batched.calls == before + 1


def test_getitems_of_the_wrong_length_is_an_error():
    class Wrong(Squares):
        def __getitems__(self, indices):
            return [0]

    with pytest.raises(ValueError, match="__getitems__"):
        list(DataLoader(Wrong(4), batch_size=2))


def test_missing_methods():
    with pytest.raises(NotImplementedError):
        Dataset()[0]
    with pytest.raises(NotImplementedError):
        iter(IterableDataset())


@pytest.mark.parametrize(
    ("n", "lengths", "sizes"),
    [
        (10, [7, 3], [7, 3]),
        (10, [0.7, 0.3], [7, 3]),
        (11, [0.5, 0.25, 0.25], [6, 3, 2]),
        (3, [0.3, 0.3, 0.4], [1, 1, 1]),
        (5, [1.0], [5]),
    ],
)
def test_random_split_covers_everything_once(n, lengths, sizes):
    parts = random_split(range(n), lengths, generator=fastnn.Generator().manual_seed(1))
    assert [len(p) for p in parts] == sizes
    assert sorted(x for p in parts for x in p) == list(range(n))


def test_random_split_follows_the_generator():
    def order(seed):
        parts = random_split(range(50), [25, 25], fastnn.Generator().manual_seed(seed))
        return [list(p.indices) for p in parts]

    assert order(3) == order(3) != order(4)


def test_random_split_errors():
    for lengths in ([2, 2], [0.5, 0.6], [1.5, -0.5]):
        with pytest.raises(ValueError):
            random_split(range(3), lengths)
    with pytest.warns(UserWarning, match="empty"):
        random_split(range(2), [0.9, 0.1, 0.0])


Point = collections.namedtuple("Point", "x y")


def test_collate_by_type():
    stacked = default_collate([fastnn.tensor([1.0, 2.0]), fastnn.tensor([3.0, 4.0])])
    assert stacked.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert default_collate([1, 2]).dtype is fastnn.int64
    assert default_collate([1.5, 2]).dtype is fastnn.float64
    assert default_collate([True, False]).dtype is fastnn.bool
    assert default_collate([np.float32(1), np.float32(2)]).dtype is fastnn.float32
    assert default_collate([np.array(1), np.array(2)]).tolist() == [1, 2]
    assert default_collate([np.ones((2, 2)), np.zeros((2, 2))]).shape == (2, 2, 2)
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a"]) == [b"a"]


def test_collate_structures():
    batch = default_collate([{"a": 1, "b": [1.0, "x"]}, {"a": 2, "b": [2.0, "y"]}])
    assert batch["a"].tolist() == [1, 2]
    assert batch["b"][0].tolist() == [1.0, 2.0] and list(batch["b"][1]) == ["x", "y"]
    rows = default_collate([(1, 2.0), (3, 4.0)])
    assert isinstance(rows, list) and [c.tolist() for c in rows] == [[1, 3], [2.0, 4.0]]
    points = default_collate([Point(1, 2), Point(3, 4)])
    assert isinstance(points, Point) and points.y.tolist() == [2, 4]
    ordered = default_collate([collections.OrderedDict(k=1), collections.OrderedDict(k=2)])
    assert isinstance(ordered, collections.OrderedDict) and ordered["k"].tolist() == [1, 2]


def test_collate_errors():
    for bad in ([object()], [None], [np.array(["a"])], [np.array([object()])]):
        with pytest.raises(TypeError):
            default_collate(bad)
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([[1, 2], [1]])
    with pytest.raises(RuntimeError):
        default_collate([fastnn.tensor([1.0]), fastnn.tensor([1.0, 2.0])])


def test_convert():
    out = default_convert([1, np.ones(2), "a", {"k": np.array(2)}, (np.float32(3),)])
    assert out[0] == 1 and out[1].tolist() == [1.0, 1.0] and out[2] == "a"
    assert out[3]["k"].item() == 2 and isinstance(out[4], list) and out[4][0].item() == 3.0
    text = np.array(["a"])
    assert default_convert(text) is text
