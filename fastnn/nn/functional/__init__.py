"""Functions of networks. Most are the ops themselves; what is composed of them stands in the files
of this folder."""

from typing import TYPE_CHECKING

from fastnn._core.ops.attention import scaled_dot_product_attention
from fastnn._core.ops.classification import cross_entropy, nll_loss
from fastnn._core.ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from fastnn._core.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from fastnn._core.ops.norm import batch_norm, group_norm, layer_norm, rms_norm
from fastnn._core.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from fastnn.nn.functional.activations import *
from fastnn.nn.functional.attention import *
from fastnn.nn.functional.dropouts import *
from fastnn.nn.functional.embeddings import *
from fastnn.nn.functional.folding import *
from fastnn.nn.functional.linears import *
from fastnn.nn.functional.normalization import *
from fastnn.nn.functional.padding import *
from fastnn.nn.functional.pooling import *
from fastnn.nn.functional.resizing import *

if TYPE_CHECKING:
    from fastnn.nn.functional.ctc import *
    from fastnn.nn.functional.distances import *
    from fastnn.nn.functional.grids import *
    from fastnn.nn.functional.losses import *
    from fastnn.nn.functional.margins import *

_ON_FIRST_USE = {
    "ctc": ["ctc_loss"],
    "distances": ["cosine_similarity", "pairwise_distance", "pdist"],
    "grids": ["affine_grid", "grid_sample"],
    "losses": ["gaussian_nll_loss", "hinge_embedding_loss", "linear_cross_entropy",
               "multilabel_soft_margin_loss", "poisson_nll_loss", "soft_margin_loss"],
    "margins": ["cosine_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
                "multilabel_margin_loss", "triplet_margin_loss",
                "triplet_margin_with_distance_loss"],
}
_HOMES = {name: home for home, names in _ON_FIRST_USE.items() for name in names}


def __getattr__(name: str):
    """Imports what few programs use, when it is first named."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fastnn.nn.functional' has no attribute {name!r}")
    from importlib import import_module

    globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
