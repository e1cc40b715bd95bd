"""Losses that are composed of others: derivatives, refusals, and cases PyTorch cannot judge."""

import itertools
import math

import numpy as np
import pytest

import fastnn
from fastnn import nn
from fastnn.autograd import gradcheck, gradgradcheck

F = nn.functional
RNG = np.random.default_rng(0)


def numbers(*shape):
    return fastnn.tensor(RNG.standard_normal(shape), requires_grad=True)


def positive(*shape):
    return fastnn.tensor(RNG.uniform(0.2, 2, shape), requires_grad=True)


SIGNS = fastnn.tensor(RNG.choice([-1.0, 1.0], (4, 3)))
BITS = fastnn.tensor(RNG.choice([0.0, 1.0], (4, 3)))
CLASSES = fastnn.tensor([0, 2, 1, 2])
LABELS = fastnn.tensor([[0, 2, -1], [1, -1, 0], [-1, 0, 1], [2, 1, 0]])
ROWS = fastnn.tensor(RNG.choice([-1.0, 1.0], 4))

DIFFERENTIABLE = {
    "poisson": (lambda x, t: F.poisson_nll_loss(x, t, full=True), positive(4, 3), positive(4, 3)),
    "gaussian": (F.gaussian_nll_loss, numbers(4, 3), numbers(4, 3), positive(4, 3)),
    "soft margin": (lambda x: F.soft_margin_loss(x, SIGNS), numbers(4, 3)),
    "hinge embedding": (lambda x: F.hinge_embedding_loss(x, SIGNS), numbers(4, 3)),
    "multilabel soft margin": (lambda x: F.multilabel_soft_margin_loss(x, BITS), numbers(4, 3)),
    "margin ranking": (lambda a, b: F.margin_ranking_loss(a, b, SIGNS), numbers(4, 3),
                       numbers(4, 3)),
    "cosine embedding": (lambda a, b: F.cosine_embedding_loss(a, b, ROWS), numbers(4, 3),
                         numbers(4, 3)),
    "multi margin": (lambda x: F.multi_margin_loss(x, CLASSES, p=2), numbers(4, 3)),
    "multilabel margin": (lambda x: F.multilabel_margin_loss(x, LABELS), numbers(4, 3)),
    "triplet": (lambda a, p, n: F.triplet_margin_loss(a, p, n, swap=True), numbers(4, 3),
                numbers(4, 3), numbers(4, 3)),
    "linear cross entropy": (lambda x, w: F.linear_cross_entropy(x, w, CLASSES), numbers(4, 5),
                             numbers(3, 5)),
    "ctc": (lambda x: F.ctc_loss(x.log_softmax(2), fastnn.tensor([[1, 1, 2], [2, 1, 0]]), (6, 5),
                                 (3, 2)), numbers(6, 2, 4)),
    "adaptive": (lambda x: SOFTMAX(x, fastnn.tensor([0, 5, 9, 3]))[1], numbers(4, 6)),
}
SOFTMAX = nn.AdaptiveLogSoftmaxWithLoss(6, 10, [2, 6], div_value=2.0, dtype=fastnn.float64)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives(name):
    f, *inputs = DIFFERENTIABLE[name]
    assert gradcheck(f, inputs)
    assert gradgradcheck(f, inputs)


def spelt(path, blank):
    """What a path spells: repeats removed, then blanks."""
    return [k for k, _ in itertools.groupby(path) if k != blank]


@pytest.mark.parametrize("target", [[], [1], [1, 2], [2, 2], [1, 2, 1]])
@pytest.mark.parametrize("blank", [0, 3])
def test_ctc_is_the_sum_over_all_paths(target, blank):
    steps, classes = 4, 4
    x = fastnn.tensor(RNG.standard_normal((steps, classes))).log_softmax(1)
    p = x.exp().numpy()
    total = sum(math.prod(p[t, k] for t, k in enumerate(path))
                for path in itertools.product(range(classes), repeat=steps)
                if spelt(path, blank) == target)
    got = F.ctc_loss(x, fastnn.tensor(target).long(), fastnn.tensor(steps),
                     fastnn.tensor(len(target)), blank=blank, reduction="sum")
    assert got.item() == pytest.approx(-math.log(total), rel=1e-12)


def test_ctc_of_what_cannot_be():
    x = fastnn.randn(3, 2, 4).log_softmax(2).requires_grad_()
    target = fastnn.tensor([[1, 1], [1, 2]])
    loss = F.ctc_loss(x, target, (2, 3), (2, 2), reduction="none")
    assert math.isinf(loss[0].item()) and math.isfinite(loss[1].item())  # 1 1 needs a blank
    loss.sum().backward()
    assert x.grad.isfinite().all() and (x.grad[:, 0] == 0).all()
    kept = F.ctc_loss(x, target, (2, 3), (2, 2), reduction="none", zero_infinity=True)
    assert kept.tolist() == [0.0, loss[1].item()]
    nothing = F.ctc_loss(x, target, (0, 3), (0, 2), reduction="none")
    assert nothing[0].item() == 0.0


def test_impossible_emissions_are_no_nan():
    x = fastnn.full((4, 1, 3), -math.inf)
    x[:, 0, 1] = 0.0
    x.requires_grad_()
    loss = F.ctc_loss(x, fastnn.tensor([[1]]), (4,), (1,))
    loss.backward()
    assert loss.item() == 0.0 and not x.grad.isnan().any()


@pytest.mark.parametrize("target", [[[1, 4]], [[1, -1]]])
def test_ctc_refuses_labels_that_do_not_exist(target):
    with pytest.raises(RuntimeError, match="no label"):
        F.ctc_loss(fastnn.zeros(5, 1, 4), fastnn.tensor(target), (5,), (2,))


def test_soft_margin_does_not_overflow():
    x = fastnn.tensor([-1000.0, 1000.0])
    assert F.soft_margin_loss(x, fastnn.tensor([1.0, 1.0]), reduction="none").tolist() == [1000, 0]


def test_gumbel_softmax():
    fastnn.manual_seed(0)
    logits = fastnn.tensor([0.0, 1.0, 2.0]).expand(20000, 3).clone().requires_grad_()
    hard = F.gumbel_softmax(logits, hard=True)
    assert ((hard == 0) | (hard == 1)).all() and (hard.sum(1) == 1).all()
    want = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    error = 4 * np.sqrt(want * (1 - want) / 20000)  # four standard deviations
    assert (abs(hard.detach().mean(0).numpy() - want) < error).all()
    (hard * fastnn.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert (logits.grad != 0).any()
    soft = F.gumbel_softmax(logits.detach(), tau=0.5)
    assert fastnn.allclose(soft.sum(1), fastnn.ones(20000))


def test_rrelu_in_training():
    fastnn.manual_seed(0)
    x = fastnn.full((10000,), -1.0).requires_grad_()
    y = F.rrelu(x, 0.1, 0.5, training=True)
    y.sum().backward()
    assert (-y.detach()).min() >= 0.1 and (-y.detach()).max() <= 0.5
    assert fastnn.equal(x.grad, -y.detach())
    assert abs(y.detach().mean().item() + 0.3) < 4 * 0.4 / 12**0.5 / 100


REFUSED = {
    "cosine_similarity": lambda T, x: T.nn.functional.cosine_similarity(x, x[:, :2]),
    "cosine of integers": lambda T, x: T.nn.functional.cosine_similarity(x.long(), x.long()),
    "pairwise": lambda T, x: T.nn.functional.pairwise_distance(x, x[:2]),
    "pdist": lambda T, x: T.nn.functional.pdist(x[0]),
    "cosine_embedding": lambda T, x: T.nn.functional.cosine_embedding_loss(x, x, T.ones(4)),
    "cosine_embedding rank": lambda T, x: T.nn.functional.cosine_embedding_loss(
        x[0], x[0], T.ones(1)),
    "margin_ranking": lambda T, x: T.nn.functional.margin_ranking_loss(x, x, T.ones(3)),
    "multi_margin size": lambda T, x: T.nn.functional.multi_margin_loss(x, T.tensor([0, 1])),
    "multi_margin class": lambda T, x: T.nn.functional.multi_margin_loss(x, T.tensor([0, 1, 4])),
    "multi_margin p": lambda T, x: T.nn.MultiMarginLoss(p=3),
    "multi_margin weight": lambda T, x: T.nn.MultiMarginLoss(weight=T.ones(2, 2)),
    "multi_margin weights": lambda T, x: T.nn.MultiMarginLoss(weight=T.ones(3))(
        x, T.tensor([0, 1, 2])),
    "multi_margin floats": lambda T, x: T.nn.functional.multi_margin_loss(x, T.ones(3)),
    "multilabel size": lambda T, x: T.nn.functional.multilabel_margin_loss(x, T.ones(3, 3).long()),
    "multilabel class": lambda T, x: T.nn.functional.multilabel_margin_loss(
        x, 4 * T.ones(3, 4).long()),
    "triplet ranks": lambda T, x: T.nn.functional.triplet_margin_loss(x, x, x[0]),
    "triplet margin": lambda T, x: T.nn.TripletMarginLoss(margin=0),
    "triplet distance margin": lambda T, x: T.nn.TripletMarginWithDistanceLoss(margin=0),
    "gaussian var": lambda T, x: T.nn.functional.gaussian_nll_loss(x, x, T.ones(3, 2)),
    "gaussian negative": lambda T, x: T.nn.functional.gaussian_nll_loss(x, x, -1.0),
    "gaussian reduction": lambda T, x: T.nn.functional.gaussian_nll_loss(x, x, 1.0, reduction="x"),
    "poisson reduction": lambda T, x: T.nn.functional.poisson_nll_loss(x, x, reduction="x"),
    "adaptive cutoffs": lambda T, x: T.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 3]),
    "adaptive no cutoffs": lambda T, x: T.nn.AdaptiveLogSoftmaxWithLoss(4, 9, []),
    "adaptive target": lambda T, x: T.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(
        x, T.tensor([0, 1, 9])),
    "ctc blank": lambda T, x: T.nn.CTCLoss(blank=9)(x.unsqueeze(1), T.tensor([[1]]),
                                                    T.tensor([3]), T.tensor([1])),
    "ctc length": lambda T, x: T.nn.CTCLoss()(x.unsqueeze(1), T.tensor([[1]]), T.tensor([4]),
                                              T.tensor([1])),
    "linear_cross_entropy": lambda T, x: T.nn.functional.linear_cross_entropy(
        x, T.ones(2, 3), T.tensor([0, 1, 0])),
    "pad": lambda T, x: T.nn.ReflectionPad1d(4)(x), "circular": lambda T, x: T.nn.CircularPad2d(
        1)(x[0]), "rrelu": lambda T, x: T.nn.functional.rrelu(x, 0.5, 0.1, training=True),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_refusals_are_of_torchs_kind(case):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    with pytest.raises(Exception) as want:
        REFUSED[case](torch, torch.ones(3, 4))
    with pytest.raises(want.type):
        REFUSED[case](fastnn, fastnn.ones(3, 4))
