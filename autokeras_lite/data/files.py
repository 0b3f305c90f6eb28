"""Files as they come: CSV, TSV, Parquet and .npz to frames and arrays, with every trap refused by name."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from autokeras_lite.data.npz_file import Arrays, read_npz_file
from autokeras_lite.data.parquet_file import read_parquet_file
from autokeras_lite.data.text_file import read_text_file
from autokeras_lite.errors import DataError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Content = pd.DataFrame | Arrays


def read_file(path: Path, text_columns: Collection[str] = ()) -> Content:
    """Read a local file by its suffix; in CSV and TSV, `text_columns` stay texts even if they look like numbers.

    Raises:
        DataError: the file is missing, no kind of `READERS`, damaged, beyond the bounds, or no one table.
    """
    reader = _reader_for(path)
    try:
        _check_place(path)
        return reader(path, text_columns)
    except PermissionError as error:
        raise DataError(f"{path} may not be read by this user. Change its permissions.") from error
    except MemoryError as error:
        raise DataError(
            f"{path.name} does not fit into memory. Expected rows and columns that do. Keep fewer of them, or use a "
            "machine with more."
        ) from error


def _reader_for(path: Path) -> Callable[[Path, Collection[str]], Content]:
    if _CONTROL.search(str(path)):
        raise DataError(f"{str(path)[:120]!r} was given. Expected a path without control characters. Rename the file.")
    if _ADDRESS.match(str(path)):
        raise DataError(f"{path} is an address. Expected a file on this machine. Download it first.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(READERS)
        raise DataError(
            f"{path.name} has the suffix {path.suffix!r}. Expected one of {kinds}. Convert or unpack it first."
        )
    return reader


def _check_place(path: Path) -> None:
    try:
        is_there, is_file, is_folder = path.exists(), path.is_file(), path.is_dir()
    except PermissionError:
        raise
    except OSError as error:  # such as a name that is too long
        raise DataError(f"{str(path)[:120]!r} is no path ({error.strerror}). Check it.") from error
    if not is_file:
        what = "is a folder" if is_folder else "is a device or a pipe" if is_there else "does not exist"
        raise DataError(f"{path} {what}. Expected a data file. Check the path.")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty (0 bytes). Expected a header and rows. Check how it was written.")


def _read_parquet(path: Path, _: Collection[str]) -> pd.DataFrame:
    return read_parquet_file(path)


def _read_npz(path: Path, _: Collection[str]) -> Arrays:
    return read_npz_file(path)


READERS: Mapping[str, Callable[[Path, Collection[str]], Content]] = {
    ".csv": partial(read_text_file, separator=","),
    ".tsv": partial(read_text_file, separator="\t"),
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}
