"""Parquet files as frames: what the footer claims is checked before a column is read."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import ArrowException, parquet

from autokeras_lite.data.frames import check_num_columns
from autokeras_lite.data.free_memory import free_bytes, require_memory
from autokeras_lite.data.text_file import first_line
from autokeras_lite.errors import DataError

MOST_FOOTER_BYTES = 12 * 2**20  # takes 200 MB when it is read, and is enough for 50,000 columns

_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # the length of the footer, and the magic
_ROWS_AT_ONCE = 256  # so that even long texts, which a file may hold once for many rows, are unpacked in small parts
_BYTES_OF_A_TEXT = 4  # where it begins, beside its letters
# Names that pandas gives to row labels without one.
_UNNAMED_INDEX = "__index_level_"
_TEXTS = {kind: pd.StringDtype(na_value=np.nan) for kind in (pa.string(), pa.large_string(), pa.string_view())}


def read_parquet_file(path: Path) -> pd.DataFrame:
    """Read a Parquet file; what pandas wrote about its labels is left aside, and a named index is a column.

    Raises:
        DataError: it is damaged, holds what is no single value, or is beyond the bounds: 50,000 columns, a footer of
            12 MB, and the memory that is free.
    """
    try:
        _check_footer(path)
        with parquet.ParquetFile(path) as file:
            _check_claims(path, file)
            _check_texts(path, file)
            table = file.read().replace_schema_metadata(None)
        table.validate(full=True)  # texts that are no UTF-8 would fail much later
        frame: pd.DataFrame = table.to_pandas(types_mapper=_TEXTS.get)
    except (ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, PermissionError):
            raise
        raise DataError(f"{path.name} is no readable Parquet file ({first_line(error)}). Write it again.") from error
    return frame[[name for name in frame.columns if not str(name).startswith(_UNNAMED_INDEX)]]


def _check_footer(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
        file.seek(-min(size, _TAIL_BYTES), 2)
        tail = file.read()
    length = int.from_bytes(tail[:4], "little")
    if begin != _MAGIC or tail[4:] != _MAGIC or length > size - _TAIL_BYTES - len(_MAGIC):
        raise ValueError("it was cut off, or is no Parquet at all")
    if length > MOST_FOOTER_BYTES:
        raise ValueError(f"its footer has {length:,} bytes, of which at most {MOST_FOOTER_BYTES:,} are read")


def _check_claims(path: Path, file: Any) -> None:
    claims, schema = file.metadata, file.schema_arrow
    check_num_columns(path.name, claims.num_columns)
    for field in schema:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            raise DataError(
                f"Column {field.name[:60]!r} of {path.name} holds values of type {str(field.type)[:40]}. Expected one "
                "number, text, date or boolean in each cell. Split it into columns or leave it out."
            )
    packed = sum(claims.row_group(index).total_byte_size for index in range(claims.num_row_groups))
    in_rows = claims.num_rows * sum(_bytes_of_a_cell(field.type) for field in schema)
    if claims.num_rows < 0 or packed < 0:
        raise ValueError("it claims fewer than no rows")
    require_memory(path.name, max(packed, int(in_rows)))


def _check_texts(path: Path, file: Any) -> None:
    """Unpack the texts a few rows at a time: what a text that stands for many rows takes is told nowhere else."""
    free, needed = free_bytes(), 0
    for field in file.schema_arrow:
        if field.type in _TEXTS:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[field.name]):
                needed += batch.nbytes
                if needed > free:
                    require_memory(path.name, needed)


def _bytes_of_a_cell(kind: Any) -> float:
    if pa.types.is_null(kind):
        return 8  # pandas has no column without a type
    if pa.types.is_dictionary(kind):
        return _bytes_of_a_cell(kind.index_type)
    try:
        return float(kind.bit_width) / 8
    except ValueError:
        return _BYTES_OF_A_TEXT
