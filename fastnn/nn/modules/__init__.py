"""All modules."""

from typing import TYPE_CHECKING

from fastnn.nn.modules.activation import *
from fastnn.nn.modules.batchnorm import *
from fastnn.nn.modules.channelshuffle import *
from fastnn.nn.modules.container import *
from fastnn.nn.modules.conv import *
from fastnn.nn.modules.dropout import *
from fastnn.nn.modules.flatten import *
from fastnn.nn.modules.fold import *
from fastnn.nn.modules.instancenorm import *
from fastnn.nn.modules.linear import *
from fastnn.nn.modules.loss import *
from fastnn.nn.modules.module import Module
from fastnn.nn.modules.normalization import *
from fastnn.nn.modules.pixelshuffle import *
from fastnn.nn.modules.pooling import *
from fastnn.nn.modules.rnn import *
from fastnn.nn.modules.sparse import *
from fastnn.nn.modules.transformer import *
from fastnn.nn.modules.upsampling import *

if TYPE_CHECKING:
    from fastnn.nn.modules.adaptive import *
    from fastnn.nn.modules.distance import *
    from fastnn.nn.modules.lazy import *
    from fastnn.nn.modules.linear_cross_entropy import *
    from fastnn.nn.modules.margin_loss import *
    from fastnn.nn.modules.padding import *

_ON_FIRST_USE = {
    "adaptive": ["AdaptiveLogSoftmaxWithLoss"],
    "distance": ["CosineSimilarity", "PairwiseDistance"],
    "lazy": ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
             "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
             "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear"],
    "linear_cross_entropy": ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions"],
    "margin_loss": ["CosineEmbeddingLoss", "HingeEmbeddingLoss", "MarginRankingLoss",
                    "MultiLabelMarginLoss", "MultiMarginLoss", "TripletMarginLoss",
                    "TripletMarginWithDistanceLoss"],
    "padding": ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d",
                "ConstantPad2d", "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d",
                "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
                "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"],
    "utils": [],
}
_HOMES = {name: home for home, names in _ON_FIRST_USE.items() for name in names}


def __getattr__(name: str):
    """Imports what few programs use, when it is first named."""
    if name not in _HOMES and name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'fastnn.nn' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    globals()[name] = home if name in _ON_FIRST_USE else getattr(home, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
