"""Files as they come: CSV, TSV, Parquet and .npz to frames and arrays, with every trap refused by name."""

import csv
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import ArrowException

from autokeras_lite.errors import DataError

MISSING_MARKS = (
    *("", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "<NA>", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
CODE_ROWS = 1_000  # so many rows are looked through for codes such as 007, which must not become the number 7

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_CODE = re.compile(r"0\d+")
_NPZ_ERRORS = (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)  # Runtime: encrypted


@dataclass(frozen=True)
class Arrays:
    """What an .npz file holds: inputs `x` (token codes if `are_tokens`), and targets `y` where it has them."""

    x: NDArray[Any]
    y: NDArray[Any] | None
    are_tokens: bool = False


Content = pd.DataFrame | Arrays


def read_file(path: Path, text_columns: Collection[str] = ()) -> Content:
    """Read a local file by its suffix; in CSV and TSV, `text_columns` stay texts even if they look like numbers.

    Raises:
        DataError: the file is missing, no kind of `READERS`, damaged, or its rows and headers are not one table.
    """
    if _ADDRESS.match(str(path)):
        raise DataError(f"{path} is an address. Expected a file on this machine. Download it first.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(READERS)
        raise DataError(
            f"{path.name} has the suffix {path.suffix!r}. Expected one of {kinds}. Convert or unpack it first."
        )
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {what}. Expected a data file. Check the path.")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty (0 bytes). Expected a header and rows. Check how it was written.")
    try:
        return reader(path, text_columns)
    except PermissionError as error:
        raise DataError(f"{path} may not be read by this user. Change its permissions.") from error


@dataclass(frozen=True)
class _TextForm:
    """What one pass over a text file found: its column names, those that hold codes, and its number of rows."""

    header: list[str]
    codes: set[str]
    rows: int


def _read_text(path: Path, text_columns: Collection[str], *, separator: str) -> pd.DataFrame:
    form = _check_text(path, separator)
    as_text = form.codes | (set(text_columns) & set(form.header))
    try:
        frame = pd.read_csv(
            path,
            sep=separator,
            header=0,
            names=form.header,
            index_col=False,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=list(MISSING_MARKS),
            dtype=dict.fromkeys(as_text, "str"),
            encoding="utf-8-sig",
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        raise _unreadable(path, error) from error
    if len(frame) != form.rows:
        raise _unreadable(path, f"as {len(frame)} rows or as {form.rows}")
    return pd.DataFrame({name: _strip(frame[name]) for name in form.header})


def _strip(values: pd.Series) -> pd.Series:
    if not isinstance(values.dtype, pd.StringDtype):
        return values
    stripped = values.str.strip()
    return stripped.mask(stripped.isin(MISSING_MARKS))


def _check_text(path: Path, separator: str) -> _TextForm:
    """Read the whole file once as records, since pandas fills up short rows and renames equal headers in silence."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            records = csv.reader(_lines(handle, path, separator), delimiter=separator, skipinitialspace=True)
            header = _header(path, records, separator)
            return _check_records(path, records, header)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name} is not UTF-8 text (byte 0x{error.object[error.start]:02x}). Expected UTF-8. If it is "
            f"latin-1, convert it: iconv -f latin1 -t utf-8 {path.name} > utf8{path.suffix}"
        ) from error
    except csv.Error as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, why: Exception | str) -> DataError:
    text = f"{path.name} cannot be split into cells with certainty ({_first_line(why)})."
    return DataError(f"{text} Expected every cell with quotes to begin and end with one. Look for a lone quote.")


def _lines(handle: TextIO, path: Path, separator: str) -> Iterator[str]:
    """Give blank lines as nothing but their end: pandas skips those of spaces and tabs, unless tabs separate cells."""
    blank = " \r\n" if separator == "\t" else " \t\r\n"
    for number, line in enumerate(handle, start=1):
        if "\0" in line:
            raise DataError(f"{path.name} holds a NUL byte in line {number}. Expected text. Write it again as UTF-8.")
        yield line if line.strip(blank) else "\n"


def _header(path: Path, records: Iterator[list[str]], separator: str) -> list[str]:
    first = next((record for record in records if record), None)
    if first is None:
        raise DataError(f"{path.name} holds only blank lines. Expected a header and rows. Check how it was written.")
    header = [name.strip() or f"Unnamed: {index}" for index, name in enumerate(first)]
    if len(header) == 1 and any(other in header[0] for other in ";\t,"):
        raise DataError(
            f"{path.name} has the one column {header[0][:60]!r}. Expected cells separated by {separator!r}. Write it "
            "with that separator, or name it .tsv if tabs separate its cells."
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(f"{path.name} has columns of the same name: {', '.join(repeated)}. Rename all but one of each.")
    return header


def _check_records(path: Path, records: Any, header: list[str]) -> _TextForm:
    codes: set[str] = set()
    rows = 0
    for record in records:
        if not record:
            continue
        if len(record) != len(header):
            raise DataError(
                f"{path.name} has {len(record)} cells in line {records.line_num}. Expected {len(header)}, as in the "
                "header. Correct that line, or quote the cell that holds the separator."
            )
        if rows < CODE_ROWS:
            codes.update(name for name, cell in zip(header, record, strict=True) if _CODE.fullmatch(cell.strip()))
        rows += 1
    return _TextForm(header, codes, rows)


def _read_parquet(path: Path, _: Collection[str]) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (ArrowException, OSError) as error:
        raise DataError(f"{path.name} is no readable Parquet file ({_first_line(error)}). Write it again.") from error
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=named).reset_index(drop=True) if named else frame.reset_index(drop=True)


def _read_npz(path: Path, _: Collection[str]) -> Arrays:
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path.name} is no readable .npz archive. Expected x (or tokens) and y. Write it with numpy.savez."
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            keys = {"x", "tokens", "y"} & set(archive.files)
            arrays = {key: archive[key] for key in sorted(keys)}
            names = ", ".join(archive.files) or "none"
    except _NPZ_ERRORS as error:
        raise DataError(
            f"{path.name} is no readable .npz file without Python objects ({_first_line(error)}). Write it with "
            "numpy.savez from arrays of numbers or texts."
        ) from error
    if ("x" in arrays) == ("tokens" in arrays):
        raise DataError(
            f"{path.name} holds the arrays {names}. Expected exactly one of x and tokens, with y for targets."
        )
    inputs = arrays["tokens"] if "tokens" in arrays else arrays["x"]
    return Arrays(inputs, arrays.get("y"), are_tokens="tokens" in arrays)


def _first_line(error: Exception | str) -> str:
    return str(error).strip().splitlines()[0][:80] if str(error).strip() else type(error).__name__


READERS: Mapping[str, Callable[[Path, Collection[str]], Content]] = {
    ".csv": partial(_read_text, separator=","),
    ".tsv": partial(_read_text, separator="\t"),
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}
