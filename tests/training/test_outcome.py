"""What a trial leaves on the disk when it has ended."""

from pathlib import Path

import numpy as np
import pytest
from full_disk import files_of_at_most

from autokeras_lite.errors import StorageError
from autokeras_lite.models.weights import write_arrays, write_weights


def test_a_full_disk_is_said_where_weights_are_written(tmp_path: Path):
    arrays = [np.zeros(10_000, dtype=np.float32)]
    with files_of_at_most(20_000):
        with pytest.raises(StorageError, match="is full"):
            write_weights(tmp_path / "weights-0.npz", arrays, [])
        with pytest.raises(StorageError, match="is full"):
            write_arrays(tmp_path / "predictions.npz", {"fold-0": arrays[0]})
    write_weights(tmp_path / "weights-0.npz", arrays, [])
    with np.load(tmp_path / "weights-0.npz") as written:
        np.testing.assert_array_equal(written["trainable-0"], arrays[0])


def test_weights_that_cannot_be_written_leave_the_earlier_ones_whole_and_nothing_beside_them(tmp_path: Path):
    earlier = [np.ones(1_000, dtype=np.float32)]
    write_weights(tmp_path / "weights-0.npz", earlier, [])
    with files_of_at_most(20_000), pytest.raises(StorageError, match="is full"):
        write_weights(tmp_path / "weights-0.npz", [np.zeros(10_000, dtype=np.float32)], [])
    assert [file.name for file in tmp_path.iterdir()] == ["weights-0.npz"]
    with np.load(tmp_path / "weights-0.npz") as written:
        np.testing.assert_array_equal(written["trainable-0"], earlier[0])


def test_whoever_looks_while_weights_are_written_sees_the_earlier_ones(tmp_path: Path):
    path = tmp_path / "weights-0.npz"
    write_arrays(path, {"a": np.ones(3)})
    seen = []

    class Looking:
        """An array that, as it is written, looks at what is there."""

        def __array__(self, dtype=None, copy=None):
            with np.load(path) as there:
                seen.append(there["a"].tolist())
            return np.zeros(3)

    write_arrays(path, {"a": Looking()})
    assert seen[0] == [1.0, 1.0, 1.0]
    with np.load(path) as written:
        assert written["a"].tolist() == [0.0, 0.0, 0.0]
