"""Every example runs, and shows what it says."""

import runpy
from pathlib import Path

import pytest

from fastnn.datasets import fashion_mnist

FOLDER = Path(__file__).parents[2] / "examples"


needs_fashion_mnist = pytest.mark.skipif(
    not fashion_mnist.PACKAGED.is_dir(), reason="Debian's package dataset-fashion-mnist is absent"
)


def run(name, *arguments):
    return runpy.run_path(str(FOLDER / f"{name}.py"))["main"](*arguments)


def test_two_points():
    result = run("two_points")
    assert result["loss"] < 0.3 and result["p1"] < 0.5 < result["p2"]


def test_xor_needs_a_hidden_layer():
    result = run("xor")
    assert result["one_layer"] <= 0.75 and result["hidden"] == 1.0


def test_digits_recipe_beats_the_baseline():
    result = run("digits_recipe")
    assert result["accuracy"] > 0.95 and result["baseline"] < 0.15


def test_regularization_helps():
    result = run("regularization")
    plain = result.pop("nothing")
    assert plain["train_loss"] < 0.1 < plain["loss"]  # learnt by heart, wrong labels too
    assert result["early stopping"]["epochs"] < plain["epochs"]
    for name in ("dropout", "weight decay", "early stopping"):
        assert result[name]["loss"] < plain["loss"], name
        assert result[name]["accuracy"] > plain["accuracy"], name
    assert result["batch norm"]["accuracy"] > 0.6


def test_imbalance():
    result = run("imbalanced")
    plain = result["as it is"]
    for remedy in ("class weights", "weighted sampler"):
        assert result[remedy]["recall"] > 0.7 > plain["recall"] + 0.2
        assert result[remedy]["accuracy"] < plain["accuracy"]


def test_schedules_and_optimizers():
    result = run("schedules")
    assert all(0 < loss < 2.3 for loss in result.values())
    assert result["SGD, momentum"] < result["SGD"] and result["one cycle"] < result["constant"]


def test_own_activation():
    result = run("own_activation")
    # two evaluations of one formula in float64, values of order 1
    assert result["difference"] < 1e-15 and result["loss"] < 1e-2


def test_outliers_pull_the_squared_error():
    lines = run("outliers")
    for name in ("mean absolute", "Huber"):
        assert lines[name] == (pytest.approx(2, abs=0.2), pytest.approx(1, abs=0.3))
    assert lines["mean squared"][1] > 2


@needs_fashion_mnist
def test_lenet_learns():
    result = run("lenet", ["--quick"])
    assert result["loss"] < 1.0 and result["accuracy"] > 0.6  # guessing: ln 10 = 2.30 and 0.1


@needs_fashion_mnist
def test_resnet20_learns():
    result = run("resnet20", ["--quick"])
    assert result["loss"] < 1.5 and result["accuracy"] > 0.4


@pytest.mark.parametrize("name", ["lenet", "resnet20"])
def test_pictures_that_are_absent_end_the_program(name, tmp_path, monkeypatch):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    monkeypatch.setattr(fashion_mnist, "PACKAGED", tmp_path)
    with pytest.raises(SystemExit, match="dataset-fashion-mnist"):
        run(name, ["--quick"])


def test_char_lstm_learns_more_than_pairs():
    result = run("char_lstm", ["--quick"])
    # counting which character follows which gives 3.23 bits on the held-out part
    assert result["after"] < 3.2 < 6 < result["before"]


def test_small_gpt_learns_more_than_frequencies():
    result = run("small_gpt", ["--quick"])
    # counting the characters gives 4.58 bits on the held-out part
    assert result["after"] < 4.4 < 6 < result["before"]


def test_no_example_is_left_out():
    tested = {"two_points", "xor", "digits_recipe", "regularization", "imbalanced", "schedules",
              "own_activation", "outliers", "lenet", "resnet20", "char_lstm", "small_gpt"}
    assert {path.stem for path in FOLDER.glob("*.py")} == tested
