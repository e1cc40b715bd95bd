"""CSV as people have it: any usual separator, quotes, with or without a header or a BOM."""

import csv
import io
from collections import Counter
from itertools import islice

from .column import TextColumn, is_missing
from .errors import Problem
from .table import Table

SEPARATORS = ",;\t|"
SAMPLE_LINES = 100


def parse_csv(path: str, content: bytes, target: str | None = None) -> Table:
    """The table of a CSV file's bytes. ``target`` helps to tell a header from a first row."""
    text = decode(path, content)
    separator = sniff(path, text)
    rows, lines = read_rows(path, text, separator)
    header = is_header(rows, target)
    if header:
        names = [cell.strip() for cell in rows[0]]
        rows, lines = rows[1:], lines[1:]
        check_names(path, names)
    else:
        names = [f"column_{i + 1}" for i in range(len(rows[0]))]
    if not rows:
        raise Problem(f"{path}: a header but no rows")
    columns = [
        TextColumn(name, list(cells), lines, separator != ",")
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    ]
    return Table(path, columns, len(rows), named=header)


def decode(path: str, content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in content:
        raise Problem(f"{path}: neither a CSV text nor an NPZ file")
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Problem(f"{path}, line {line}: not {encoding.removesuffix('-sig')} text") from None


def sniff(path: str, text: str) -> str:
    """The separator that cuts the first lines most evenly into at least two fields."""
    sample = list(islice(io.StringIO(text, newline=""), SAMPLE_LINES))
    best, best_score = "", (0.0, 0)
    for separator in SEPARATORS:
        try:
            widths = Counter(len(row) for row in csv.reader(sample, delimiter=separator) if row)
        except csv.Error:
            continue
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        score = (count / max(1, widths.total()), width)
        if width >= 2 and score > best_score:
            best, best_score = separator, score
    if not best:
        raise Problem(f"{path}: found no columns separated by comma, semicolon, tab or |")
    return best


def read_rows(path: str, text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """All rows that are not blank, each as wide as the first, and the line each one ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if not row or (len(row) == 1 and not row[0].strip()):
                continue
            if rows and len(row) != len(rows[0]):
                raise Problem(
                    f"{path}, line {reader.line_num}: {len(row)} fields, expected {len(rows[0])}"
                )
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise Problem(f"{path}, line {reader.line_num}: {error}") from None
    return rows, lines


def is_header(rows: list[list[str]], target: str | None) -> bool:
    """The first row names the columns if it holds the target's name, or no number and no blank."""
    first = [cell.strip() for cell in rows[0]]
    if target is not None and target in first:
        return True
    return len(set(first)) == len(first) and not any(is_missing(c) or numeric(c) for c in first)


def numeric(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def check_names(path: str, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Problem(f"{path}: the header names the column {twice[0]!r} twice")
