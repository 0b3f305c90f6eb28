"""Laws of a dataset: rows stay together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.read import read_dataset

COLUMNS = ColumnRoles(("y",), group="g", time="t", weight="w")


def table(count: int = 8) -> Dataset:
    numbers = np.arange(count)
    frame = pd.DataFrame({"a": numbers * 1.0, "g": numbers, "t": numbers, "w": numbers + 1, "y": numbers})
    return read_dataset(frame, COLUMNS, name="toy")


@given(st.lists(st.integers(0, 7), min_size=1))
def test_taken_rows_keep_their_inputs_targets_weights_groups_and_times(chosen: list[int]) -> None:
    taken = table().take(np.array(chosen))
    assert len(taken) == len(chosen)
    assert taken.frame["a"].tolist() == taken.targets["y"].tolist() == chosen
    for values in (taken.groups, taken.times, None if taken.weights is None else taken.weights - 1):
        assert values is not None
        assert values.tolist() == chosen


def test_rows_of_an_array_are_taken_alike() -> None:
    dataset = read_dataset((np.arange(12.0).reshape(3, 2, 2), [0, 1, 2]), ColumnRoles(), name="toy")
    taken = dataset.take(np.array([2, 0]))
    assert taken.array[:, 0, 0].tolist() == [8.0, 0.0]
    assert taken.targets["target"].tolist() == [2, 0]
    assert taken.weights is None


def test_a_table_has_no_array_and_an_array_no_frame() -> None:
    with pytest.raises(TypeError, match="not an array"):
        _ = table().array
    images = read_dataset((np.zeros((2, 4, 4, 1)), [0, 1]), ColumnRoles(), name="toy")
    assert images.kind is InputKind.IMAGE
    with pytest.raises(TypeError, match="kind image"):
        _ = images.frame
