"""The parts of the commands: tables, types, splits, encodings."""

import numpy as np
import pytest

from fastnn.cli import csv_file
from fastnn.cli.column import ArrayColumn, TextColumn
from fastnn.cli.errors import Problem
from fastnn.cli.features import fit_features
from fastnn.cli.fit import batches
from fastnn.cli.report import confusion_text
from fastnn.cli.split import split_rows
from fastnn.cli.table import Table, from_arrays
from fastnn.cli.target import Target, fit_target
from fastnn.cli.timing import interleaved, readable


def parse(text, target=None):
    content = text if isinstance(text, bytes) else text.encode()
    table = csv_file.parse_csv("t.csv", content, target)
    return table.names(), [column.texts() for column in table.columns]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separators_and_newlines(separator, newline):
    text = newline.join(separator.join(row) for row in [["a", "b"], ["1", "x"], ["2", "y"], [""]])
    assert parse(text) == (["a", "b"], [["1", "2"], ["x", "y"]])


def test_quotes_blank_lines_and_byte_order_marks():
    text = '\ufeff"a","b, or c"\n\n1,"two\nlines"\n   \n2,"say ""hi"""\n'
    assert parse(text) == (["a", "b, or c"], [["1", "2"], ["two\nlines", 'say "hi"']])
    assert parse("a,b\n1,x\n".encode("utf-16")) == (["a", "b"], [["1"], ["x"]])


def test_headers_are_told_from_rows():
    assert parse("1,2\n3,4\n")[0] == ["column_1", "column_2"]
    assert parse("x,x\ny,z\n")[0] == ["column_1", "column_2"]
    assert parse("2019,2020\n3,4\n", target="2020")[0] == ["2019", "2020"]


def test_decimal_commas_need_another_separator():
    table = csv_file.parse_csv("t", b"a;b\n1,5;x\n2,25;y\n")
    assert table.columns[0].numbers().tolist() == [1.5, 2.25]


def test_types_are_inferred():
    def column(*cells):
        return TextColumn("c", list(cells), range(2, 2 + len(cells)), False)

    assert column("1", " 2.5e3 ", "", "NA").is_number()
    assert not column("red", "7", "blue").is_number()
    assert not column("1_000", "x").is_number()
    with pytest.raises(Problem, match="line 4, column 'c': 'x' is not a number"):
        column("1", "2", "x").is_number()


def test_targets_are_classes_or_quantities():
    def kind(values, **options):
        return fit_target(ArrayColumn("y", np.array(values)), "auto", **options).kind

    assert kind([0, 1] * 5) == "class" and kind(["a", "b"]) == "class"
    assert kind(np.arange(50)) == "number" and kind([0.5, 1.5]) == "number"
    assert kind(np.arange(300) % 30) == "class"
    assert kind([0.5, 1.5], categorical=True) == "class"
    found = fit_target(ArrayColumn("y", np.array([10.0, 9, 10, 1])), "classification")
    assert found.classes == ["1", "9", "10"]


@pytest.mark.parametrize("seed", range(5))
def test_splits_are_stratified_disjoint_and_complete(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 7, 503)
    parts = split_rows(groups, 0.15, 0.2, seed)
    assert sorted(np.concatenate(parts)) == list(range(503))
    assert abs(len(parts.test) - 0.2 * 503) <= 1 and abs(len(parts.validation) - 0.15 * 503) <= 1
    for group in range(7):
        size = (groups == group).sum()
        assert abs((groups[parts.test] == group).sum() - 0.2 * size) <= 1
    again = split_rows(groups, 0.15, 0.2, seed)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))


def test_a_class_of_one_row_stays_in_training():
    parts = split_rows(np.array([0] * 20 + [1]), 0.1, 0.2, 0)
    assert 20 in parts.train


def test_figures_come_from_the_training_rows_alone():
    data = np.array([[1.0], [3.0], [100.0]])
    table = from_arrays("t", data, ["a"], np.array([0, 1, 0]))
    features = fit_features(table, "target", np.array([0, 1]))
    np.testing.assert_allclose(features.encode(table)[:, 0], [-1, 1, 98])


def test_categories_are_one_column_each_and_unknown_ones_none():
    columns = [TextColumn("c", ["u", "v", "w"], range(3), False), ArrayColumn("y", np.arange(3))]
    table = Table("t", columns, 3)
    features = fit_features(table, "y", np.array([0, 1]))
    assert features.encode(table).tolist() == [[1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize("how, value", [("mean", 3.0), ("median", 2.0), ("mode", 1.0)])
def test_imputed_values(how, value):
    column = TextColumn("c", ["1", "1", "2", "3", "8", ""], range(6), False)
    table = Table("t", [column, ArrayColumn("y", np.arange(6))], 6)
    notes = []
    features = fit_features(table, "y", np.arange(6), impute=how, note=notes.append)
    assert features.items[0].fill == value and "c (1)" in notes[0]
    assert np.isfinite(features.encode(table)).all()


def test_common_scale_is_that_of_all_numbers():
    data = np.random.default_rng(0).normal(3, 2, (50, 4))
    table = from_arrays("t", data, list("abcd"), np.zeros(50))
    encoded = fit_features(table, "target", np.arange(50), common=True).encode(table)
    np.testing.assert_allclose(encoded, (data - data.mean()) / data.std(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows, size", [(2, 2), (3, 2), (65, 64), (129, 64), (1000, 33), (5, 900)])
def test_batches_are_even_and_never_of_one_row(rows, size):
    parts = batches(rows, size, np.random.default_rng(0))
    assert sorted(np.concatenate(parts)) == list(range(rows))
    lengths = {len(part) for part in parts}
    assert min(lengths) >= 2 and max(lengths) - min(lengths) <= 1


def test_confusion_text():
    text = confusion_text(np.array([[10, 2], [0, 3]]), ["cat", "a very long name"])
    assert [line.split() for line in text.splitlines()] == [
        ["true", "\\", "predicted", "cat", "a", "very", "long~"], ["cat", "10", "2"],
        ["a", "very", "long~", "0", "3"]]  # fmt: skip


def test_target_numbers_are_scaled():
    column = ArrayColumn("y", np.array([1.0, 3.0]))
    target = Target("y", "number", mean=2.0, std=1.0)
    assert target.encode(column).tolist() == [-1, 1]


def test_timing_tells_slow_from_fast():
    times = interleaved(
        {"slow": lambda: sum(range(20000)), "fast": lambda: sum(range(20))}, 0.05, 3
    )
    assert times["slow"] > 20 * times["fast"]
    assert [readable(t) for t in (2.5, 0.0123, 4.5e-5, 6e-8)] == [
        "2.5 s",
        "12.3 ms",
        "45 us",
        "60 ns",
    ]
