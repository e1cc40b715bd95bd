"""A sampler that gives each of several training processes its own share of a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import fastnn
from fastnn.utils.data.dataset import Dataset
from fastnn.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


def _process_group() -> Any:
    group = getattr(fastnn, "distributed", None)
    if group is None or not group.is_available():
        raise RuntimeError("Requires distributed package to be available; pass num_replicas, rank")
    return group


class DistributedSampler(Sampler[int]):
    """Replica r visits indices r, r + R, r + 2R, ... of an order that all replicas share.

    The order is padded by its own start to a multiple of R (or cut, with drop_last). With
    shuffle the order follows seed + epoch: call ``set_epoch`` before each epoch. num_replicas
    and rank come from the process group where they are not given. Errors: ValueError for a rank
    outside 0..num_replicas-1.
    """

    def __init__(
        self,
        dataset: Dataset,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None:
            num_replicas = _process_group().get_world_size()
        if rank is None:
            rank = _process_group().get_rank()
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)  # type: ignore[arg-type]
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)  # type: ignore[arg-type]
        if self.shuffle:
            generator = fastnn.Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = fastnn.randperm(n, generator=generator).tolist()
        else:
            order = list(range(n))
        if len(order) < self.total_size:
            order *= -(-self.total_size // len(order))
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Fix the epoch that the shuffled order follows."""
        self.epoch = epoch
