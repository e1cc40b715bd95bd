"""A table of columns from a CSV or NPZ file, or from one of the data sets that fastnn knows."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .column import ArrayColumn, Column
from .errors import Problem


@dataclass
class Table:
    name: str
    columns: Sequence[Column]
    rows: int
    named: bool = True  # False: the file gave no names, columns are known by position

    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def take(self, rows: np.ndarray) -> "Table":
        return replace(self, columns=[c.take(rows) for c in self.columns], rows=len(rows))

    def find(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def column(self, name: str) -> Column:
        """The column of that name, which must be there."""
        return self.columns[self.names().index(name)]


def read_table(path: str, target: str | None = None) -> Table:
    """The table of a file, NPZ or CSV by its first bytes; Problem if there is none to read."""
    from .csv_file import parse_csv
    from .npz_file import parse_npz

    content = read_bytes(path)
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):  # the latter: an archive of nothing
        return parse_npz(path, content)
    return parse_csv(path, content, target)


def read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise Problem(f"{path}: no such file") from None
    except IsADirectoryError:
        raise Problem(f"{path}: is a folder, not a file") from None
    except OSError as error:
        raise Problem(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL byte in the path
        raise Problem(f"{path!r}: {error}") from None
    if not content.strip():
        raise Problem(f"{path}: the file is empty")
    return content


def from_arrays(
    name: str, data: np.ndarray, feature_names: Sequence[str], target: np.ndarray
) -> Table:
    """The table of a shipped data set; its target column is called ``target``."""
    columns = [ArrayColumn(n, data[:, i]) for i, n in enumerate(feature_names)]
    return Table(name, [*columns, ArrayColumn("target", target)], len(target))


def base_name(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
