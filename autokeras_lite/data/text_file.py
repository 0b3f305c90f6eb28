"""CSV and TSV files as frames: looked through once within bounds, so that pandas gets one table and nothing else."""

import codecs
import csv
import os
import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

import pandas as pd

from autokeras_lite.data.frames import check_num_columns, listed, shortened
from autokeras_lite.data.free_memory import require_memory
from autokeras_lite.errors import DataError

MISSING_MARKS = (
    *("", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "<NA>", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
CODE_ROWS = 1_000  # so many rows are looked through for codes such as 007, which must not become the number 7
LONGEST_RECORD = 4 * 2**20  # characters: 50,000 columns of 80; whoever holds a longer one has lost a line end

_CODE = re.compile(r"0\d+")
_PREFIX_BYTES = 2**16
_BYTES_OF_A_CELL = 16  # that pandas holds for each while it reads, beside its text
_CONTEXT_BYTES = 12
# What a file may be in truth, by its first bytes.
_ARCHIVES = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip (or Excel)",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")  # a header may begin with the first three letters
_PARQUET = b"PAR1"
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text_file(path: Path, text_columns: Collection[str], *, separator: str) -> pd.DataFrame:
    """Read a file of cells between separators; `text_columns` stay texts even if they look like numbers.

    Raises:
        DataError: it is no text in UTF-8, its rows and its header are not one table, or it is beyond the bounds:
            50,000 columns, 4 Mi characters a row, and the memory that is free.
    """
    _check_prefix(path)
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


@dataclass(frozen=True)
class _TextForm:
    """What one pass over a text file found: its column names, those that hold codes, and its number of rows."""

    header: list[str]
    codes: set[str]
    rows: int


def _strip(values: pd.Series) -> pd.Series:
    if not isinstance(values.dtype, pd.StringDtype):
        return values
    stripped = values.str.strip()
    return stripped.mask(stripped.isin(MISSING_MARKS))


def _check_prefix(path: Path) -> None:
    """Look at the first bytes: at what they are in truth, before anything is decoded."""
    with path.open("rb") as file:
        prefix = file.read(_PREFIX_BYTES)
        file.seek(-min(len(prefix), len(_PARQUET)), os.SEEK_END)
        end = file.read()
    if kind := _archive_kind(prefix, end):
        raise DataError(f"{path.name} is a {kind} file. Expected plain text. Unpack or convert it first.")
    if encoding := _wide_encoding(prefix):
        raise DataError(f"{path.name} is {encoding.upper()}, not UTF-8 text. {_conversion(path, encoding)}")
    if b"\0" in prefix:
        raise _nul_byte(path.name, prefix.partition(b"\0")[0].count(b"\n") + 1)
    if not prefix.strip() and len(prefix) == _PREFIX_BYTES:
        raise DataError(f"{path.name} begins with {_PREFIX_BYTES:,} blank characters. Expected a header. Remove them.")


def _archive_kind(prefix: bytes, end: bytes) -> str:
    """Name what a file is by the bytes that it begins and ends with; none for what may be text."""
    if prefix.startswith(_PARQUET) and end == _PARQUET:
        return "Parquet"
    if _BZIP2.match(prefix):
        return "bzip2"
    return next((kind for magic, kind in _ARCHIVES.items() if prefix.startswith(magic)), "")


def _wide_encoding(prefix: bytes) -> str:
    """Name the encoding of more than one byte a character that a text begins in; none for UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if prefix.startswith(mark):
            return encoding
    half = len(prefix) // 2
    nuls_first, nuls_second = prefix[::2].count(0), prefix[1::2].count(0)
    if max(nuls_first, nuls_second) <= half / 2 or min(nuls_first, nuls_second) > half / 8:
        return ""
    return "utf-16be" if nuls_first > nuls_second else "utf-16le"


def _conversion(path: Path, encoding: str) -> str:
    name = shlex.quote(path.name)
    return f"Expected UTF-8. Convert it: iconv -f {encoding} -t utf-8 {name} > utf8{path.suffix}"


def _check_text(path: Path, separator: str) -> _TextForm:
    """Read the whole file once as records, since pandas fills up short rows and renames equal headers in silence."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle, _long_cells():
            lines = _Lines(handle, path, separator)
            records = csv.reader(lines, delimiter=separator, skipinitialspace=True)
            header = _header(path, _first_record(records, lines), separator)
            require_memory(path.name, path.stat().st_size)
            return _check_records(path, records, lines, header)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path) from error
    except csv.Error as error:
        raise _unreadable(path, error) from error


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let a cell be as long as a row: the limit of the `csv` module is one for the whole process."""
    before = csv.field_size_limit(LONGEST_RECORD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class _Lines:
    """The lines of a text file, none of them longer than a record may be, nor those of one record together.

    Blank lines are nothing but their end: pandas skips those of spaces and tabs, unless tabs separate cells.
    """

    def __init__(self, handle: TextIO, path: Path, separator: str) -> None:
        self._handle, self._name = handle, path.name
        self._blank = " \r\n" if separator == "\t" else " \t\r\n"
        self._number = 0
        self._pending = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._handle.readline(LONGEST_RECORD + 1)
        if not line:
            raise StopIteration
        self._number += 1
        is_blank = not line.strip(self._blank) and len(line) <= LONGEST_RECORD
        self._pending += 1 if is_blank else len(line)
        if self._pending > LONGEST_RECORD:
            raise DataError(
                f"{self._name} has a row of more than {LONGEST_RECORD:,} characters in line {self._number}. Expected "
                "shorter ones. Look for a missing line end or a lone quote."
            )
        if "\0" in line:
            raise _nul_byte(self._name, self._number)
        return "\n" if is_blank else line

    def begin_record(self) -> None:
        """Count from here: a record is whole."""
        self._pending = 0


def _first_record(records: Iterator[list[str]], lines: _Lines) -> list[str]:
    for record in records:
        if record:
            return record
        lines.begin_record()
    return []


def _header(path: Path, first: list[str], separator: str) -> list[str]:
    if not first:
        raise DataError(f"{path.name} holds only blank lines. Expected a header and rows. Check how it was written.")
    check_num_columns(path.name, len(first))
    header = [name.strip() or f"Unnamed: {index}" for index, name in enumerate(first)]
    if len(header) == 1 and any(other in header[0] for other in ";\t,"):
        raise DataError(
            f"{path.name} has the one column {header[0][:60]!r}. Expected cells separated by {separator!r}. Write it "
            "with that separator, or name it .tsv if tabs separate its cells."
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(f"{path.name} has columns of the same name: {listed(repeated)}. Rename all but one of each.")
    return header


def _check_records(path: Path, records: Any, lines: _Lines, header: list[str]) -> _TextForm:
    codes: set[str] = set()
    rows = 0
    lines.begin_record()
    for record in records:
        lines.begin_record()
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
    require_memory(path.name, rows * len(header) * _BYTES_OF_A_CELL)
    return _TextForm(header, codes, rows)


def _wrong_encoding(path: Path) -> DataError:
    """Find the first line that is no UTF-8, and show how it reads in the likeliest encoding."""
    number, line = 0, b""
    with path.open("rb") as file:
        while line := file.readline(LONGEST_RECORD):
            number += 1
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                found = line[error.start]
                near = line[max(0, error.start - _CONTEXT_BYTES) : error.start + _CONTEXT_BYTES]
                break
    is_windows = any(0x80 <= byte < 0xA0 for byte in line)
    name, codec = ("windows-1252", "cp1252") if is_windows else ("latin-1", "latin-1")
    shown = near.decode(codec, errors="replace").strip()
    return DataError(
        f"{path.name} is not UTF-8 text: line {number} has the byte 0x{found:02x}, which as {name} reads {shown!r}. "
        f"{_conversion(path, 'windows-1252' if is_windows else 'latin1')}"
    )


def _nul_byte(name: str, line: int) -> DataError:
    return DataError(f"{name} holds a NUL byte in line {line}. Expected text. Write it again as UTF-8.")


def _unreadable(path: Path, why: Exception | str) -> DataError:
    text = f"{path.name} cannot be split into cells with certainty ({first_line(why)})."
    return DataError(f"{text} Expected every cell with quotes to begin and end with one. Look for a lone quote.")


def first_line(error: Exception | str) -> str:
    """Return the first line of what a library says, short and without what does not show."""
    lines = str(error).strip().splitlines()
    return shortened(lines[0], 80) if lines else type(error).__name__
