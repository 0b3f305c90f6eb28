"""What is text is read, whatever it begins with and however long its cells are; what is not is named."""

import bz2
import csv
from pathlib import Path

import pandas as pd
import pytest

from autokeras_lite.data.text_file import LONGEST_RECORD, read_text_file
from autokeras_lite.errors import DataError


def read(content: bytes, folder: Path) -> pd.DataFrame:
    path = folder / "data.csv"
    path.write_bytes(content)
    return read_text_file(path, (), separator=",")


@pytest.mark.parametrize("header", ["PAR1,PAR2,y", "BZhours,y", "BZh9,y", "PK,y", "7z,y"])
def test_a_header_that_begins_like_an_archive_is_a_header(header: str, tmp_path: Path) -> None:
    cells = ",".join("1" for _ in header.split(","))
    assert list(read(f"{header}\n{cells}\n".encode(), tmp_path)) == header.split(",")


@pytest.mark.parametrize("rows", [b"", b"y\n1\n"])
def test_an_archive_is_named(rows: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a bzip2 file"):
        read(bz2.compress(rows), tmp_path)
    pd.DataFrame({"y": [1]}).to_parquet(tmp_path / "table")
    with pytest.raises(DataError, match="is a Parquet file"):
        read((tmp_path / "table").read_bytes(), tmp_path)


def test_a_cell_may_be_as_long_as_a_row(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    frame = read(b"t,y\n" + b"a" * 1_000_000 + b",1\n", tmp_path)
    assert frame["t"].str.len().tolist() == [1_000_000]
    with pytest.raises(DataError, match=f"more than {LONGEST_RECORD:,} characters"):
        read(b"t,y\n" + b"a" * LONGEST_RECORD + b",1\n", tmp_path)
    assert csv.field_size_limit() == before


def test_blank_lines_count_inside_quotes_only(tmp_path: Path) -> None:
    blank = b"\n" * (LONGEST_RECORD + 9)
    with pytest.raises(DataError, match="Look for a missing line end or a lone quote"):
        read(b't,y\n"a' + blank + b'",1\n', tmp_path)
    assert len(read(b"t,y\n1,1\n" + blank + b"1,1\n", tmp_path)) == 2
