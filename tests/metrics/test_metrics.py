"""Metrics: hand-made cases, and scikit-learn as the oracle where it is installed."""

import math

import numpy as np
import pytest

from fastnn import metrics

TRUE = [0, 1, 2, 2, 2]
PRED = [0, 0, 2, 2, 1]


def cases():
    draw = np.random.default_rng(0)
    words = np.array(["cat", "dog", "emu", "fox"])
    yield TRUE, PRED
    yield [1, 1, 1], [1, 1, 1]
    yield [0, 0], [1, 1]
    yield [-5, 7, 7, 100], [7, 7, -5, -5]
    yield words[draw.integers(0, 4, 50)], words[draw.integers(0, 3, 50)]
    for n, k in [(10, 2), (200, 2), (500, 7), (40, 30)]:
        yield draw.integers(0, k, n), draw.integers(0, k, n)


CASES = list(cases())


def test_confusion_by_hand():
    got = metrics.confusion_matrix(TRUE, PRED)
    assert got.tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 2]]
    assert metrics.confusion_matrix(TRUE, PRED, labels=[2, 0]).tolist() == [[2, 0], [0, 1]]


def test_scores_by_hand():
    precision, recall, f1, support = metrics.precision_recall_fscore_support(TRUE, PRED)
    np.testing.assert_allclose(precision, [1 / 2, 0, 1], rtol=1e-15)
    np.testing.assert_allclose(recall, [1, 0, 2 / 3], rtol=1e-15)
    np.testing.assert_allclose(f1, [2 / 3, 0, 4 / 5], rtol=1e-15)
    assert support.tolist() == [1, 1, 3]
    assert metrics.accuracy_score(TRUE, PRED) == 3 / 5
    assert metrics.majority_baseline(TRUE) == (2, 3 / 5)


def test_regression_by_hand():
    assert metrics.mean_squared_error([1, 2, 3], [1, 2, 5]) == pytest.approx(4 / 3, rel=1e-15)
    assert metrics.mean_absolute_error([1, 2, 3], [1, 2, 5]) == pytest.approx(2 / 3, rel=1e-15)
    assert metrics.r2_score([1, 2, 3], [1, 2, 5]) == pytest.approx(-1, rel=1e-15)
    assert metrics.r2_score([4, 4], [4, 4]) == 1 and metrics.r2_score([4, 4], [4, 5]) == 0


@pytest.mark.parametrize("true, pred", CASES)
@pytest.mark.parametrize("zero_division", [0.0, 1.0, math.nan])
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_scores_equal_sklearn(true, pred, average, zero_division):
    oracle = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle here")
    options = {"average": average, "zero_division": zero_division, "beta": 0.7}
    want = oracle.precision_recall_fscore_support(true, pred, **options)
    got = metrics.precision_recall_fscore_support(true, pred, **options)
    for a, b in zip(got[:3], want[:3], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    np.testing.assert_array_equal(got[3], want[3])


@pytest.mark.parametrize("true, pred", CASES)
def test_matrices_equal_sklearn(true, pred):
    oracle = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle here")
    for normalize in (None, "true", "pred", "all"):
        want = oracle.confusion_matrix(true, pred, normalize=normalize)
        got = metrics.confusion_matrix(true, pred, normalize=normalize)
        np.testing.assert_allclose(got, want, rtol=1e-15)
    if metrics.accuracy_score(true, pred) > 0:  # without a hit the oracle prints counts as floats
        want = oracle.classification_report(true, pred, zero_division=0)
        assert metrics.classification_report(true, pred) == want


def test_reports_with_chosen_labels_equal_sklearn():
    oracle = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle here")
    true, pred = CASES[-2]
    for labels in ([3, 1], [0, 9], list(range(9))):
        names = [f"the class {label}" for label in labels]
        options = {"labels": labels, "target_names": names, "digits": 4, "zero_division": 0}
        want = oracle.classification_report(true, pred, **options)
        assert metrics.classification_report(true, pred, **options) == want


def test_binary_scores_equal_sklearn():
    oracle = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle here")
    true, pred = CASES[5]
    for name in ("precision_score", "recall_score", "f1_score"):
        for label in (0, 1):
            want = getattr(oracle, name)(true, pred, pos_label=label)
            got = getattr(metrics, name)(true, pred, pos_label=label)
            assert got == pytest.approx(want, rel=1e-13)


@pytest.mark.parametrize("call, message", [
    (lambda: metrics.accuracy_score([1], [1, 2]), "1 entries but y_pred has 2"),
    (lambda: metrics.accuracy_score([], []), "empty"),
    (lambda: metrics.confusion_matrix([[1]], [[1]]), "1-D"),
    (lambda: metrics.confusion_matrix([1], [1], normalize="rows"), "normalize"),
    (lambda: metrics.confusion_matrix([1], [1], labels=[1, 1]), "different labels"),
    (lambda: metrics.f1_score([0, 1, 2], [0, 1, 2]), "two classes, found 3"),
    (lambda: metrics.f1_score([0, 1], [0, 1], pos_label=5), "pos_label 5"),
    (lambda: metrics.f1_score([0, 1], [0, 1], average="mean"), "average"),
    (lambda: metrics.precision_recall_fscore_support([0], [0], beta=-1), "beta"),
    (lambda: metrics.classification_report([0, 1], [0, 1], target_names=["a"]), "1 target_names"),
])  # fmt: skip
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
