"""fastnn train and predict, end to end in processes of their own."""

import csv
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fastnn

LAST = re.compile(r"test accuracy: (\d+\.\d) %")


def accuracy(text):
    return float(LAST.fullmatch(text.strip().splitlines()[-1])[1])


def test_train_without_arguments_learns_the_digits(process, tmp_path):
    done = process("train")
    assert done.returncode == 0, done.stderr
    assert accuracy(done.stdout) >= 96
    assert "Traceback" not in done.stderr
    assert "always answering '3' (majority class): 10.3 %" in done.stdout
    assert re.search(
        r"^epoch +1/60  loss \d\.\d{4}  accuracy .* % +\| validation loss",
        done.stdout,
        re.MULTILINE,
    )
    for word in ("precision", "recall", "f1-score", "true \\ predicted", "best epoch"):
        assert word in done.stdout
    assert (tmp_path / "digits.safetensors").stat().st_size > 10_000


def test_digits_reach_97_percent_on_average(command):
    found = [
        accuracy(command("train", "--quiet", "--plot", "", "--seed", seed)[1]) for seed in range(10)
    ]
    assert np.mean(found) >= 97, found


def test_the_same_seed_gives_the_same_model(command, tmp_path):
    for name in ("a", "b"):
        assert command("train", "--quiet", "--epochs", 3, "--plot", "", "--out", name)[0] == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_fashion_mnist_learns(command):
    from fastnn.datasets import fashion_mnist

    if not fashion_mnist.PACKAGED.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is absent")
    code, out, err = command("train", "fashion-mnist", "--epochs", 1, "--plot", "")
    assert code == 0 and accuracy(out) > 80
    assert "(train 54000, validation 6000, test 10000)" in out and "Ankle boot" in out


def test_predict_returns_what_training_reported(process, tmp_path, table):
    done = process("train", table, "--target", "kind", "--epochs", 60, "--quiet")
    assert done.returncode == 0, done.stderr
    assert accuracy(done.stdout) >= 80
    done = process("predict", "flowers.safetensors", table, "--out", "p.csv")
    assert done.returncode == 0, done.stderr
    assert re.search(r"accuracy on 90 rows with 'kind': \d+\.\d %", done.stderr)
    rows = list(csv.reader((tmp_path / "p.csv").open()))
    assert rows[0] == ["prediction", "p(big)", "p(small blue)", "p(small red)"]
    assert len(rows) == 91
    for row in rows[1:]:
        chances = np.array(row[1:], float)
        assert chances.sum() == pytest.approx(1, abs=2e-6)
        assert row[0] == rows[0][1 + chances.argmax()][2:-1]


def test_predict_matches_columns_by_name(command, tmp_path, table):
    command("train", table, "--target", "kind", "--epochs", 3, "--quiet", "--plot", "")
    first = command("predict", "flowers.safetensors", table)[1]
    rows = list(csv.reader(table.open()))
    with open(tmp_path / "turned.csv", "w") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows(
            [[row[1], "more" if not i else str(i), row[0]] for i, row in enumerate(rows)]
        )
    code, second, err = command("predict", "flowers.safetensors", "turned.csv")
    assert code == 0 and second == first and err == ""


def test_numbers_are_predicted_in_their_own_unit(command, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    np.savez(tmp_path / "line.npz", x=x, y=1000 + 50 * x[:, 0] - 20 * x[:, 1])
    code, out, _ = command("train", "line.npz", "--target", "y", "--epochs", 60, "--plot", "")
    assert code == 0 and "test accuracy" not in out
    assert float(re.search(r"test R2: (\S+)", out)[1]) > 0.9
    code, out, _ = command("predict", "line.safetensors", "line.npz")
    assert abs(np.mean([float(v) for v in out.split()[1:]]) - 1000) < 20


def test_missing_values_are_filled_on_request(command, tmp_path):
    lines = ["a,b,y"] + [
        f"{'' if i % 9 == 0 else i % 7},{'?' if i % 8 == 1 else 'uv'[i % 2]},"
        f"{'' if i % 50 == 7 else 'xy'[i % 2]}"
        for i in range(200)
    ]
    (tmp_path / "gaps.csv").write_text("\n".join(lines))
    code, _, err = command("train", "gaps.csv", "--target", "y")
    assert code == 2 and "misses 4 values" in err
    code, out, _ = command(
        "train", "gaps.csv", "--target", "y", "--impute", "median", "--epochs", 2, "--plot", ""
    )
    assert code == 0, out
    assert "4 rows without a value of 'y' left out" in out and "a (23), b (" in out


def test_a_table_without_header_works(command, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = (x[:, 0] > 0).astype(int)
    np.savetxt(tmp_path / "plain.csv", np.column_stack([y, x]), delimiter=";", fmt="%.5f")
    code, out, err = command(
        "train", "plain.csv", "--target", "column_1", "--epochs", 60, "--quiet"
    )
    assert code == 0 and accuracy(out) >= 85
    whole = command("predict", "plain.safetensors", "plain.csv")[1]
    np.savetxt(tmp_path / "bare.csv", x, delimiter=",", fmt="%.5f")
    assert command("predict", "plain.safetensors", "bare.csv")[1] == whole


def test_early_stopping_and_curves(command, tmp_path):
    pytest.importorskip("matplotlib", reason="the curves need matplotlib")
    code, out, _ = command(
        "train", "--epochs", 40, "--patience", 2, "--lr", 0.05, "--plot", "curves.png"
    )
    assert code == 0 and "stopped early: no better validation loss for 2 epochs" in out
    best = int(re.search(r"best epoch (\d+)", out)[1])
    assert len(re.findall(r"^epoch", out, re.MULTILINE)) == best + 2
    assert (tmp_path / "curves.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_every_optimizer_learns(command, optimizer):
    rate = 0.05 if optimizer == "sgd" else 0.002
    code, out, _ = command(
        "train",
        "--optimizer",
        optimizer,
        "--epochs",
        5,
        "--lr",
        rate,
        "--hidden",
        "32",
        "--dropout",
        0,
        "--quiet",
        "--plot",
        "",
    )
    assert code == 0 and accuracy(out) > 85


def test_a_linear_model_without_validation(command):
    code, out, _ = command("train", "--hidden", "none", "--val", 0, "--epochs", 20, "--plot", "")
    assert code == 0 and accuracy(out) > 90
    assert "validation loss" not in out and "net: 64-10, 650 parameters" in out


def test_the_model_is_an_ordinary_container(command, tmp_path):
    command("train", "--epochs", 1, "--quiet", "--plot", "")
    value = fastnn.load(tmp_path / "digits.safetensors")
    assert value["target"]["classes"] == list("0123456789")
    assert tuple(value["state"]["0.weight"].shape) == (128, 64)


def test_control_c_ends_cleanly_and_keeps_the_best(tmp_path, environment):
    child = subprocess.Popen(
        [sys.executable, "-m", "fastnn", "train", "--epochs", "1000000", "--patience", "0"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in child.stdout:
        if line.startswith("epoch"):
            break
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err and "interrupted" in err
    assert fastnn.load(tmp_path / "digits.safetensors")["training"]["epoch"] >= 1


def test_info_names_what_it_found(process):
    done = process("info")
    assert done.returncode == 0 and done.stderr == ""
    for word in (
        "fastnn",
        "instruction set",
        "threads",
        "parallel backend",
        "allocator",
        "processor",
        "Python",
        "numpy",
    ):
        assert re.search(rf"^(installed +)?.*{word}", done.stdout, re.MULTILINE)


def test_bench_prints_a_row_for_each_work(process):
    done = process("bench", "--seconds", 0.02, "--threads", 1)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 10
    assert re.search(r"train step 784-128-10.*\d+(\.\d+)? (us|ms).*\(\d+\.\d\dx\)", done.stdout)


def test_importing_fastnn_imports_nothing_of_this(environment):
    code = (
        "import sys, fastnn; print([m for m in sys.modules if m.startswith(('fastnn.cli', "
        "'fastnn.datasets', 'fastnn.metrics', 'argparse', 'tqdm', 'matplotlib'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_names_beyond_the_terminals_letters_are_no_error(process, tmp_path):
    rows = "".join(f"{i % 7},{'été' if i % 7 > 3 else '☀'}\n" for i in range(60))
    (tmp_path / "seasons.csv").write_text("n,season\n" + rows, encoding="utf-8")
    done = process(
        "train", "seasons.csv", "--target", "season", "--epochs", 2, PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0 and "\\u2600" in done.stdout, done.stderr
