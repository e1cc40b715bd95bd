"""Datasets, samplers, and the loader that makes batches of them."""

from fastnn._dotted import attach as _attach
from fastnn.utils.data import dataloader, dataset, distributed, sampler
from fastnn.utils.data.collate import default_collate, default_convert
from fastnn.utils.data.dataloader import DataLoader
from fastnn.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from fastnn.utils.data.distributed import DistributedSampler
from fastnn.utils.data.info import WorkerInfo, get_worker_info
from fastnn.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "dataloader",
    "dataset",
    "default_collate",
    "default_convert",
    "distributed",
    "get_worker_info",
    "random_split",
    "sampler",
]

_attach(__name__)
_attach(f"{__name__}._utils")
