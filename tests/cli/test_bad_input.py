"""Every bad input ends in one clear line on stderr and exit code 2, never in a traceback."""

import io
import subprocess
import sys

import numpy as np
import pytest

import fastnn

from .conftest import flowers

GOOD = flowers(60)


def fails(result, *words):
    code, out, err = result
    assert code == 2, (code, out, err)
    assert err.count("\n") == 1 and err.startswith("fastnn"), err
    for word in words:
        assert word in err, err


FILES = {
    "empty.csv": (b"", "the file is empty"),
    "blank.csv": (b" \n\n", "the file is empty"),
    "header.csv": (b"size,colour,kind\n", "a header but no rows"),
    "garbage.csv": (bytes(range(256)) * 20, "neither a CSV text nor an NPZ file"),
    "latin.csv": ("size,kind\n1,caf\u00e9\n".encode("latin-1") * 9, "line 2: not utf-8 text"),
    "words.csv": (b"just some words\nand more words\n", "no columns separated by"),
    "ragged.csv": (GOOD.encode() + b"1,red\n", "line 62: 2 fields, expected 3"),
    "quote.csv": (GOOD.encode() + b'1,"red,big\n', "line 62"),
    "text.csv": (GOOD.encode() + b"tall,red,big\n",
                 "line 62, column 'size': 'tall' is not a number"),
    "infinite.csv": (GOOD.encode() + b"-inf,red,big\n", "'-inf' is not a finite number"),
    "missing.csv": (GOOD.encode() + b",red,big\n", "missing values in size (1)"),
    "no target.csv": (GOOD.encode() + b"1,red,\n", "misses 1 value"),
    "twice.csv": (b"kind,kind\na,b\n", "'kind' twice"),
    "one class.csv": (b"size,kind\n" + b"1,a\n2,a\n" * 20, "only one class, 'a'"),
    "no class.csv": (b"size,kind\n" + b"1,\n2,\n" * 20, "no values"),
    "names.csv": (
        b"size,kind\n" + b"".join(b"%d.5,name %d\n" % (i, i) for i in range(200)),
        "200 classes in 200 rows",
    ),
    "few.csv": (b"size,kind\n1,a\n2,b\n", "2 rows are too few"),
    "alone.csv": (b"id,kind\n" + b"".join(
        b"x%d,%s\n" % (i, b"ab"[i % 2 : i % 2 + 1]) for i in range(400)), "no column is left"),
    "huge.csv": (b"size,kind\n" + b"1e308,a\n-1e308,b\n" * 20, "too large"),
    "cut.npz": (b"PK\x03\x04 and then nothing of the kind", "not a readable NPZ file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_bad_tables(command, tmp_path, name):
    content, message = FILES[name]
    (tmp_path / name).write_bytes(content)
    fails(command("train", name, "--target", "kind"), message)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


ARRAYS = {
    "lengths": ({"x": np.ones((5, 2)), "kind": np.ones(4)}, "differ in their number of rows"),
    "rank 0": ({"x": np.ones(()), "kind": np.ones(4)}, "differ in their number of rows"),
    "objects": ({"x": np.array([{}, []], object), "kind": np.ones(2)}, "not a readable NPZ"),
    "complex": ({"x": np.ones(4, complex), "kind": np.ones(4)}, "neither numbers nor text"),
    "nothing": ({}, "holds no arrays"),
    "infinity": ({"x": np.array([1, np.inf] * 20), "kind": np.arange(40) % 2}, "infinite"),
    "same name": ({"x": np.ones((4, 1)), "x_0": np.ones(4), "kind": np.arange(4)}, "of one name"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_bad_arrays(command, tmp_path, name):
    arrays, message = ARRAYS[name]
    (tmp_path / "a.npz").write_bytes(npz(**arrays))
    fails(command("train", "a.npz", "--target", "kind"), message)


def test_every_damage_to_an_npz(command, tmp_path):
    content = npz(x=np.arange(40.0).reshape(20, 2), kind=np.arange(20) % 2)
    for place in range(0, len(content), 41):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / "a.npz").write_bytes(damaged)
        code, _, err = command(
            "train", "a.npz", "--target", "kind", "--epochs", 1, "--quiet", "--plot", ""
        )
        assert code in (0, 2) and "internal" not in err and err.count("\n") <= 1, (place, err)


def test_bad_paths(command, tmp_path):
    fails(command("train", "absent.csv"), "absent.csv: no such file")
    fails(command("train", "digts"), "digts: no such file, and none of digits, fashion-mnist")
    fails(command("train", tmp_path), "is a folder")
    fails(command("predict", "absent.safetensors", "x.csv"), "absent.safetensors: no such file")
    fails(command("predict", tmp_path, "x.csv"), "is a folder")


def test_forbidden_paths(command, table, monkeypatch):
    """As if the system refused, since to root it does not."""

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", args[0])

    monkeypatch.setattr("fastnn.cli.table.open", refuse, raising=False)
    fails(command("train", table, "--target", "kind"), f"{table}: Permission denied")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    fails(command("train", "--out", "model"), "is not writable")


def test_bad_choices(command, table):
    fails(command("train", table), "--target COLUMN", "size, colour, kind")
    fails(command("train", table, "--target", "knd"), "no column 'knd'", "size, colour, kind")
    fails(command("train", table, "--target", "kind", "--task", "regression"), "is not a number")
    fails(command("train", table, "--target", "kind", "--categorical", "x"), "no such column")
    fails(command("train", "digits", "--target", "pixel_0_0"), "has its own target")
    fails(
        command("train", table, "--target", "kind", "--val", 0.6, "--test", 0.6), "nothing to tra"
    )
    fails(command("train", "--out", "no/where"), "there is no folder")
    fails(command("train", "--out", "."), "is a folder")


BAD_OPTIONS = [
    ("--epochs", "0"), ("--epochs", "-1"), ("--epochs", "1.5"), ("--epochs", "many"),
    ("--batch-size", "1"), ("--lr", "0"), ("--lr", "nan"), ("--lr", "inf"), ("--lr", "-1"),
    ("--dropout", "1"), ("--dropout", "-0.1"), ("--hidden", "64,x"), ("--hidden", "0,5"),
    ("--seed", "-1"), ("--threads", "0"), ("--test", "0"), ("--test", "1"), ("--val", "1"),
    ("--weight-decay", "-1"), ("--patience", "-1"), ("--optimizer", "newton"),
    ("--impute", "guess"), ("--task", "sort"), ("--epochs",), ("--frobnicate",),
]  # fmt: skip


@pytest.mark.parametrize("options", BAD_OPTIONS, ids="=".join)
def test_bad_options(command, options):
    fails(command("train", *options))


def test_bad_commands(command):
    fails(command())
    fails(command("trian"))
    fails(command("predict", "only-one"))


def test_a_diverging_run_says_so(command):
    fails(command("train", "--lr", "1e6", "--optimizer", "sgd", "--plot", "", "--hidden", "none",
                  "--weight-decay", "1e6", "--quiet"), "choose a smaller --lr")  # fmt: skip


def test_fashion_mnist_names_its_package(command, tmp_path, monkeypatch):
    from fastnn.datasets import fashion_mnist

    monkeypatch.setattr(fashion_mnist, "PACKAGED", tmp_path / "nowhere")
    fails(command("train", "fashion-mnist"), "dataset-fashion-mnist", "FASTNN_DATA")


@pytest.fixture
def model(command, tmp_path, table):
    assert (
        command("train", table, "--target", "kind", "--epochs", 1, "--quiet", "--plot", "")[0] == 0
    )
    return tmp_path / "flowers.safetensors"


def test_damaged_models(command, model, table):
    content = model.read_bytes()
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        model.write_bytes(damaged)
        fails(command("predict", model, table), str(model))
    for length in range(0, len(content), 997):
        model.write_bytes(content[:length])
        fails(command("predict", model, table), str(model))


def test_foreign_models(command, tmp_path, table):
    values = {"n": 1, "d": {"kind": "fastnn tabular model 1"}, "w": {"w": fastnn.ones(2)}}
    for name, value in values.items():
        fastnn.save(value, tmp_path / name)
        fails(command("predict", name, table), f"{name}: ")
    fails(command("predict", table, table), "flowers.csv")


def test_contradictory_models(command, model, table):
    good = fastnn.load(model)
    for change in (
        {"shape": {**good["shape"], "inputs": 7}},
        {"state": {}},
        {"features": {"items": [{"name": 1}]}},
        {"target": None},
        {"shape": {**good["shape"], "hidden": "wide"}},
    ):
        fastnn.save({**good, **change}, model)
        fails(command("predict", model, table), "flowers.safetensors")


def test_predicting_from_unfit_tables(command, model, tmp_path):
    (tmp_path / "a.csv").write_text("size,tint\n1,red\n")
    fails(command("predict", model, "a.csv"), "no column 'colour'")
    (tmp_path / "a.csv").write_text("size,colour\nx,red\n")
    fails(command("predict", model, "a.csv"), "line 2, column 'size': 'x' is not a number")
    (tmp_path / "a.csv").write_text("size,colour\n,red\n")
    fails(command("predict", model, "a.csv"), "misses 1 value", "without --impute")
    (tmp_path / "a.csv").write_text("1,2,3,4\n1,2,3,4\n")
    fails(command("predict", model, "a.csv"), "4 columns")
    (tmp_path / "a.csv").write_text("size,colour\n1e300,red\n")
    fails(command("predict", model, "a.csv"), "too large")
    (tmp_path / "a.csv").write_text("size,colour\n1,red\n")
    fails(command("predict", model, "a.csv", "--out", "no/where"), "cannot write")


def test_a_reader_that_goes_away_is_no_error(tmp_path, model, table, environment):
    table.write_text(flowers(20_000))
    line = f"{sys.executable} -m fastnn predict {model} {table} | head -1"
    done = subprocess.run(
        line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("prediction") and "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
