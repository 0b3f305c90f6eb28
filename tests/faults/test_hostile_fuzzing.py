"""Whatever bytes come, a reader gives a data set and the loader a space, or they refuse them in their own words."""

import io
import json
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hostile_files import npy
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from mutations import mutated

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.files import READERS
from autokeras_lite.data.read import read_dataset
from autokeras_lite.durable import parse_json
from autokeras_lite.errors import ArtifactError, DataError, SpaceError
from autokeras_lite.spaces.listing import shipped_file, shipped_names
from autokeras_lite.spaces.load import read_space

FRAME = pd.DataFrame(
    {
        "n": [1.5, None, 3.0],
        "code": ["007", "x,y", 'q"q'],
        "when": pd.to_datetime(["2024-01-01", None, "2024-02-29"]),
        "kind": pd.Categorical(["a", "b", None]),
        "y": [1, 2, 3],
    }
)
FUZZ = settings(max_examples=60, deadline=None)


def saved(suffix: str) -> bytes:
    buffer = io.BytesIO()
    if suffix == ".parquet":
        FRAME.to_parquet(buffer)
        return buffer.getvalue()
    if suffix == ".npz":
        np.savez(buffer, x=np.arange(12.0).reshape(3, 4), y=np.array(["a", "b", "c"]))
        return buffer.getvalue()
    return FRAME.to_csv(index=False, sep="," if suffix == ".csv" else "\t").encode()


SAVED = {suffix: saved(suffix) for suffix in READERS}


def read_or_refuse(folder: Path, suffix: str, content: bytes) -> None:
    path = folder / f"data{suffix}"
    path.write_bytes(content)
    columns, refusal = ColumnRoles(() if suffix == ".npz" else ("y",)), ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert len(read_dataset(path, columns, name="data")) > 0
        except DataError as error:
            refusal = str(error)
    assert refusal.isprintable(), "one line that a terminal shows and does not obey"
    assert len(refusal) < 700
    event(refusal[:40] or "read")


@pytest.mark.parametrize("suffix", READERS)
def test_any_bytes_are_a_data_set_or_refused_in_one_line(suffix, tmp_path):
    @FUZZ
    @given(st.binary(max_size=200))
    @example(b"PAR1" + bytes(4) + b"PAR1")
    @example(b"PK\x05\x06" + bytes(18))
    @example(b"PK\x06\x07" + bytes(12) + b"\2\0\0\0" + b"PK\x05\x06" + bytes(18))  # found by atheris: two disks
    def law(content):
        read_or_refuse(tmp_path, suffix, content)

    law()


@pytest.mark.parametrize("suffix", READERS)
def test_a_damaged_file_is_a_data_set_or_refused_in_one_line(suffix, tmp_path):
    @FUZZ
    @given(mutated(SAVED[suffix]))
    def law(content):
        read_or_refuse(tmp_path, suffix, content)

    law()


NPY = npy(np.arange(12.0).reshape(3, 4))


@settings(FUZZ, max_examples=150)
@given(mutated(NPY))
@example(NPY.replace(b"'fortran_order'", b"('fortran_order'"))  # found by atheris: numpy counts the brackets itself
@example(NPY.replace(b"'<f8'", b"'\\d'"))
def test_a_sound_archive_with_a_damaged_array_is_a_data_set_or_refused_in_one_line(tmp_path_factory, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", content)
        archive.writestr("y.npy", npy(np.arange(3)))
    read_or_refuse(tmp_path_factory.getbasetemp(), ".npz", buffer.getvalue())


@pytest.mark.parametrize("name", shipped_names())
def test_a_damaged_space_is_a_space_or_refused(name):
    @settings(max_examples=25, deadline=None)
    @given(mutated(shipped_file(name).read_bytes()))
    def law(content):
        load_or_refuse(content)

    law()


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_a_space_or_refused(content):
    load_or_refuse(content)


def load_or_refuse(content: bytes) -> None:
    refusal = []
    try:
        space = read_space(content, file="mine.toml", name="mine")
        space.assemble(space.defaults())
    except SpaceError as error:
        refusal = str(error).splitlines()
    assert all(line.isprintable() and line.startswith("mine.toml") for line in refusal)


JSON = json.dumps({"trials": [{"score": 0.5, "note": "größe"}, None, [1, [2, {"a": []}]]], "n": 10**30}).encode()


@FUZZ
@given(st.one_of(st.binary(max_size=60), mutated(JSON)))
def test_any_bytes_are_json_or_refused(content):
    refusal = "summary.json"
    try:
        parse_json(content, "summary.json")
    except ArtifactError as error:
        refusal = str(error)
    assert refusal.isprintable()
    assert refusal.startswith("summary.json")
