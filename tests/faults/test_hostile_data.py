"""Hostile data files are refused in one line, with 200 MB of memory to spare."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hostile_files import HOSTILE, parquet_of, zeros_table

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.frames import MOST_COLUMNS
from autokeras_lite.data.read import read_dataset, read_inputs
from autokeras_lite.errors import DataError


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, str]]:
    """What became of every file, tried in one process with little memory."""
    script = Path(__file__).with_name("refuse_hostile_files.py")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_with_little_memory(outcomes, case):
    kind, text = outcomes[case]
    assert kind == "DataError", text
    assert HOSTILE[case][1] in text
    assert "\n" not in text
    assert len(text) <= 400
    assert text.isprintable()


@pytest.mark.parametrize(
    "name", ["", "a" * 5000 + ".csv", "a\n.csv", "a\x1b[31m.csv", "a\0.csv", "~nobody-of-this-name/a.csv"]
)
def test_what_is_no_name_of_a_file_is_refused(name):
    with pytest.raises(DataError) as caught:
        read_inputs(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "address",
    [
        *("https://example.org/a.csv", "HTTP://example.org/a.csv", "s3://bucket/a.csv", "gs://bucket/a.parquet"),
        *("file:///etc/a.csv", "zip://a.csv::b.zip", "ftp://example.org/a.tsv", "hdfs://host/a.parquet"),
    ],
)
def test_an_address_is_never_followed(address):
    with pytest.raises(DataError, match="is an address"):
        read_inputs(address)


@pytest.mark.parametrize(
    "suffix", [".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".pkl", ".h5", ".npy", ".feather", ""]
)
def test_what_pandas_would_unpack_is_refused_by_its_suffix(tmp_path, suffix):
    path = tmp_path / f"data.csv{suffix}x" if not suffix else tmp_path / f"data.csv{suffix}"
    path.write_bytes(b"a,y\n1,2\n")
    with pytest.raises(DataError, match="has the suffix"):
        read_inputs(path)


def test_a_frame_with_too_many_columns_is_refused():
    frame = pd.DataFrame(np.zeros((1, MOST_COLUMNS + 1)))
    with pytest.raises(DataError, match="50,001 columns"):
        read_inputs(frame)
    with pytest.raises(DataError, match="y has 50,001 columns"):
        read_dataset((np.zeros((1, 2)), np.zeros((1, MOST_COLUMNS + 1))), ColumnRoles(), name="data")


def test_what_stands_in_a_message_is_one_short_line_that_shows():
    evil = "red\x1b[31m\r\nname" + "x" * 200
    for columns in ([evil, evil, "y"], [evil, "z"]):
        with pytest.raises(DataError) as caught:
            read_dataset(pd.DataFrame([[1] * len(columns)], columns=columns), ColumnRoles(("y",)), name="data")
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300


# Large or odd, and honest: what the bounds must not refuse.


def test_a_table_as_wide_as_may_be_is_read(tmp_path):
    path = tmp_path / "wide.csv"
    names = [f"gene_{place}" for place in range(20_000)]
    path.write_text(",".join(names) + "\n" + ",".join(["0.25"] * 20_000) + "\n")
    assert read_inputs(path).shape == (1, 20_000)


def test_a_long_text_and_many_lines_in_a_cell_are_read(tmp_path):
    path = tmp_path / "texts.csv"
    frame = pd.DataFrame({"t": ["x" * 130_000, "line\n" * 20_000, "a,b;" * 30_000], "y": [1, 2, 3]})
    frame.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_inputs(path), frame.assign(t=frame["t"].str.strip()))


def test_one_value_repeated_in_many_rows_is_read(tmp_path):
    path = parquet_of(zeros_table(200_000), groups=3)(tmp_path)
    assert path.stat().st_size < 10_000, "as small as a bomb"
    assert read_inputs(path).shape == (600_000, 2)


def test_zeros_that_are_packed_well_are_read(tmp_path):
    np.savez_compressed(tmp_path / "masks.npz", x=np.zeros((2_000, 32, 32, 1), np.uint8), y=np.zeros(2_000))
    assert (tmp_path / "masks.npz").stat().st_size < 10_000, "as small as a bomb"
    assert read_inputs(tmp_path / "masks.npz").shape == (2_000, 32, 32, 1)


def test_arrays_of_another_byte_order_and_column_by_column_are_read(tmp_path):
    array = np.asfortranarray(np.arange(12.0).reshape(4, 3)).astype(">f8")
    np.savez(tmp_path / "data.npz", x=array, y=np.zeros(4))
    np.testing.assert_array_equal(read_inputs(tmp_path / "data.npz").to_numpy(), array)
