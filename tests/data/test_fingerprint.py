"""Laws of the fingerprint: content decides, nothing else does."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.dataset import Dataset
from autokeras_lite.data.fingerprint import fingerprint, row_hashes
from autokeras_lite.data.read import read_dataset

FRAME = pd.DataFrame(
    {
        "n": [1.5, np.nan, -0.0, 3.0],
        "i": [1, 2, 3, 4],
        "k": [7, 7, 8, 8],
        "t": ["a", None, "b", ""],
        "c": pd.Categorical(["u", "v", None, "u"]),
        "d": pd.to_datetime(["2024-01-01", None, "2024-01-02", "2024-01-03"]),
        "b": [True, False, True, True],
        "w": [1.0, 1.0, 2.0, 1.0],
        "g": ["p", "p", "q", "q"],
        "y": [0, 1, 0, 1],
    }
)
OTHER = {"n": 9.25, "i": 9, "t": "z", "c": "v", "d": pd.Timestamp(2030, 1, 1), "w": 9.5, "g": "r", "y": 9}
ROLES = ColumnRoles(("y",), group="g", time="i", weight="w")


def read(frame: pd.DataFrame) -> Dataset:
    return read_dataset(frame, ROLES, name="toy")


@settings(max_examples=60, deadline=None)
@given(row=st.integers(0, 3), column=st.sampled_from(sorted(OTHER)))
def test_one_other_cell_is_another_fingerprint(row: int, column: str) -> None:
    changed = FRAME.copy()
    if column == "c":
        changed["c"] = changed["c"].cat.add_categories(["z"])
    changed.loc[row, column] = "z" if column == "c" else OTHER[column]
    assert fingerprint(read(changed)) != fingerprint(read(FRAME))


@pytest.mark.parametrize("column", ["n", "t", "d"])
def test_a_cell_that_goes_missing_is_another_fingerprint(column: str) -> None:
    changed = FRAME.copy()
    changed.loc[0, column] = None
    assert fingerprint(read(changed)) != fingerprint(read(FRAME))


def test_names_types_and_orders_count() -> None:
    dataset = read(FRAME)
    others = [
        read(FRAME.rename(columns={"n": "m"})),
        read(FRAME.astype({"k": "int32"})),
        read(FRAME[["k", "n", "i", *FRAME.columns[3:]]]),
        read(FRAME.iloc[::-1]),
        replace(dataset, weights=None),
        replace(dataset, groups=None),
        replace(dataset, times=None),
        replace(dataset, groups=None, times=dataset.groups),
    ]
    assert len({fingerprint(other) for other in [dataset, *others]}) == len(others) + 1


def test_layout_labels_name_and_source_do_not_count() -> None:
    blocks = pd.concat([FRAME[[name]] for name in FRAME], axis=1).set_index(pd.Index([9, 8, 7, 6]))
    dataset = replace(read(blocks.iloc[[0, 1, 2, 3]].copy()), name="other", source="elsewhere.csv")
    assert fingerprint(dataset) == fingerprint(read(FRAME))


def test_taking_all_rows_keeps_the_fingerprint() -> None:
    dataset = read(FRAME)
    assert fingerprint(dataset.take(np.arange(4))) == fingerprint(dataset)
    assert fingerprint(dataset.take(np.arange(3))) != fingerprint(dataset)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.integers(0, 2), st.integers(0, 1))
def test_one_other_value_of_an_array_is_another_fingerprint(row: int, time: int, channel: int) -> None:
    x = np.arange(30, dtype=np.float32).reshape(5, 3, 2)
    changed = x.copy()
    changed[row, time, channel] = np.nextafter(changed[row, time, channel], np.float32(99))
    first, second = (
        fingerprint(read_dataset((values, range(5)), ColumnRoles(), name="toy"))
        for values in (np.asfortranarray(x), changed)
    )
    assert first != second
    assert first == fingerprint(read_dataset((x, range(5)), ColumnRoles(), name="toy"))


def test_the_shape_and_type_of_an_array_count() -> None:
    shapes = [np.zeros((5, 3, 2)), np.zeros((5, 2, 3)), np.zeros((5, 6, 1)), np.zeros((5, 3, 2), np.float32)]
    found = {fingerprint(read_dataset((x, range(5)), ColumnRoles(), name="toy")) for x in shapes}
    assert len(found) == len(shapes)


def test_equal_rows_have_equal_hashes() -> None:
    hashes = row_hashes(pd.DataFrame({"a": [1.0, 1.0, None, None], "b": ["x", "x", None, "x"]}))
    assert hashes[0] == hashes[1]
    assert len(set(hashes.tolist())) == 3
