"""NPZ files: every array with one entry per row is a column, or as many as it is wide."""

import io
import zipfile
import zlib

import numpy as np

from .column import ArrayColumn
from .errors import Problem
from .table import Table


def parse_npz(path: str, content: bytes) -> Table:
    arrays = read_arrays(path, content)
    if not arrays:
        raise Problem(f"{path}: holds no arrays")
    rows = {len(array) if array.ndim else -1 for array in arrays.values()}
    if len(rows) > 1 or -1 in rows:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise Problem(f"{path}: its arrays differ in their number of rows: {shapes}")
    columns = [column for name, array in arrays.items() for column in split(name, array)]
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        raise Problem(f"{path}: two of its arrays give columns of one name")
    return Table(path, columns, rows.pop())


def read_arrays(path: str, content: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if not hasattr(file, "files"):
                raise ValueError("no archive")
            arrays = {name: file[name] for name in file.files}
    except MemoryError:
        raise Problem(f"{path}: an array in it is larger than the memory") from None
    except (ValueError, OSError, EOFError, KeyError, SyntaxError, NotImplementedError,
            RuntimeError, zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        raise Problem(f"{path}: not a readable NPZ file ({error})") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufUS":
            raise Problem(f"{path}: {name!r} holds neither numbers nor text")
    return arrays


def split(name: str, array: np.ndarray) -> list[ArrayColumn]:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.ndim == 1:
        return [ArrayColumn(name, array)]
    flat = array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)
    return [ArrayColumn(f"{name}_{i}", flat[:, i]) for i in range(flat.shape[1])]
