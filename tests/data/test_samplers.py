"""Samplers: what they give, how often, and what they refuse."""

import collections

import pytest

import fastnn
from fastnn.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded(seed):
    return fastnn.Generator().manual_seed(seed)


def test_sequential():
    assert list(SequentialSampler("abcd")) == [0, 1, 2, 3] and len(SequentialSampler("abcd")) == 4


def test_random_is_a_permutation_that_follows_the_seed():
    first = list(RandomSampler(range(100), generator=seeded(1)))
    assert sorted(first) == list(range(100)) and first != list(range(100))
    assert first == list(RandomSampler(range(100), generator=seeded(1)))
    assert first != list(RandomSampler(range(100), generator=seeded(2)))


def test_random_differs_between_epochs_and_follows_manual_seed():
    fastnn.manual_seed(5)
    sampler = RandomSampler(range(50))
    epochs = [list(sampler), list(sampler)]
    assert epochs[0] != epochs[1]
    fastnn.manual_seed(5)
    assert [list(sampler), list(sampler)] == epochs


def test_random_counts():
    drawn = list(RandomSampler(range(10), num_samples=25, generator=seeded(0)))
    assert len(drawn) == 25 and max(collections.Counter(drawn).values()) == 3
    drawn = list(RandomSampler(range(10), replacement=True, num_samples=1000, generator=seeded(0)))
    counts = collections.Counter(drawn)
    # each count is binomial(1000, 0.1): mean 100, sd 9.5; six of them
    assert set(counts) == set(range(10)) and all(43 <= c <= 157 for c in counts.values())


def test_random_errors():
    for wrong in ({"num_samples": 0}, {"num_samples": 1.5}, {"num_samples": True}):
        with pytest.raises(ValueError, match="num_samples"):
            RandomSampler(range(3), **wrong)
    with pytest.raises(ValueError):
        RandomSampler([])
    with pytest.raises(TypeError, match="replacement"):
        RandomSampler(range(3), replacement=1)
    with pytest.raises(ValueError):
        list(RandomSampler([], num_samples=2))


def test_subset():
    sampler = SubsetRandomSampler([3, 5, 7], generator=seeded(0))
    assert sorted(sampler) == [3, 5, 7] and len(sampler) == 3


def test_weighted_follows_the_weights():
    sampler = WeightedRandomSampler([1.0, 0.0, 3.0], 4000, generator=seeded(0))
    counts = collections.Counter(sampler)
    # binomial(4000, 0.75): mean 3000, sd 27.4; six of them
    assert len(sampler) == 4000 and counts[1] == 0 and abs(counts[2] - 3000) < 165


def test_weighted_without_replacement():
    weights = [1.0, 2.0, 3.0, 4.0]
    drawn = list(WeightedRandomSampler(weights, 4, replacement=False, generator=seeded(0)))
    assert sorted(drawn) == [0, 1, 2, 3]
    with pytest.raises(RuntimeError):
        list(WeightedRandomSampler(weights, 5, replacement=False))


def test_weighted_errors():
    for args in ([[1.0], 0], [[1.0], True], [[1.0], 1, 1], [[[1.0]], 1]):
        with pytest.raises(ValueError):
            WeightedRandomSampler(*args)


@pytest.mark.parametrize(
    ("n", "drop_last", "expected"),
    [(7, False, [3, 3, 1]), (7, True, [3, 3]), (6, True, [3, 3]), (2, True, []), (0, False, [])],
)
def test_batches(n, drop_last, expected):
    sampler = BatchSampler(range(n), 3, drop_last)
    batches = list(sampler)
    assert [len(b) for b in batches] == expected and len(sampler) == len(expected)
    flat = [i for b in batches for i in b]
    assert flat == list(range(sum(expected)))


def test_batch_errors():
    for args in ([0, False], [2.5, False], [True, False], [2, 1], [-1, False]):
        with pytest.raises(ValueError):
            BatchSampler(range(3), *args)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("n", [1, 5, 12, 13])
def test_distributed_shares(n, shuffle, drop_last):
    samplers = [DistributedSampler(range(n), 4, r, shuffle, 7, drop_last) for r in range(4)]
    for s in samplers:
        s.set_epoch(3)
    shares = [list(s) for s in samplers]
    assert {len(s) for s in shares} == {len(samplers[0])} == {n // 4 if drop_last else -(-n // 4)}
    seen = {i for share in shares for i in share}
    assert len(seen) == (n // 4 * 4 if drop_last else n)
    if not shuffle and not drop_last:
        assert shares[1][0] == 1 % n


def test_distributed_epochs_and_errors():
    sampler = DistributedSampler(range(40), 2, 0)
    first = list(sampler)
    assert first == list(sampler)
    sampler.set_epoch(1)
    assert first != list(sampler)
    for rank in (-1, 2):
        with pytest.raises(ValueError, match="rank"):
            DistributedSampler(range(4), 2, rank)
    with pytest.raises((RuntimeError, ValueError)):
        DistributedSampler(range(4))
