"""Checkpoints as files: the newest whole one of this cohort is read, whatever lies beside it."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from full_disk import files_of_at_most
from small_data import make_spec

from autokeras_lite.training.checkpoint import Checkpoints
from autokeras_lite.trial import Cohort

COHORT = Cohort(0, (make_spec(0), make_spec(1)), batch_seed=7, rungs=(2,))
ARRAYS = {"group-0/parameters": np.arange(6, dtype=np.float32).reshape(2, 3), "group-0/optimizer-0": np.int64(5)}


def opened(folder: Path | None, cohort: Cohort = COHORT, every_seconds: float = 0.0) -> Checkpoints:
    return Checkpoints(folder, cohort, every_seconds)


def written(folder: Path, *epochs: int, cohort: Cohort = COHORT, arrays: dict[str, Any] | None = None) -> list[Path]:
    """Write a checkpoint after each of these epochs; return the files that are there, the oldest first."""
    checkpoints = opened(folder, cohort)
    for epoch in epochs:
        given = ARRAYS if arrays is None else arrays
        checkpoints.write(epoch, {"epochs": epoch}, ((name, np.asarray(array)) for name, array in given.items()))
    return sorted(folder.iterdir())


def epochs_in(folder: Path, cohort: Cohort = COHORT) -> list[int]:
    return [checkpoint.epoch for checkpoint in opened(folder, cohort).read()]


def test_what_was_written_is_read(tmp_path: Path):
    written(tmp_path, 3)
    (checkpoint,) = opened(tmp_path).read()
    assert (checkpoint.epoch, checkpoint.values) == (3, {"epochs": 3})
    part = checkpoint.part("group-0")
    assert part.keys() == {"parameters", "optimizer-0"}
    np.testing.assert_array_equal(part["parameters"], ARRAYS["group-0/parameters"])
    assert (part["optimizer-0"], part["optimizer-0"].dtype, part["optimizer-0"].shape) == (5, np.int64, ())
    assert checkpoint.part("group") == {}


def test_two_generations_are_kept_and_the_newest_comes_first(tmp_path: Path):
    assert len(written(tmp_path, 1, 2, 9, 10)) == 2
    assert epochs_in(tmp_path) == [10, 9]


def test_a_checkpoint_cut_off_at_any_byte_is_passed_over_for_the_one_before(tmp_path: Path):
    newest = written(tmp_path, 1, 2)[-1]
    content = newest.read_bytes()
    for length in range(0, len(content), 3):
        newest.write_bytes(content[:length])
        assert epochs_in(tmp_path) == [1]


def test_a_checkpoint_with_any_byte_changed_is_passed_over_for_the_one_before(tmp_path: Path):
    newest = written(tmp_path, 1, 2)[-1]
    content = newest.read_bytes()
    for place in range(0, len(content), 7):
        newest.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert epochs_in(tmp_path) == [1]


def test_without_a_whole_checkpoint_there_is_none(tmp_path: Path):
    for file in written(tmp_path, 1, 2):
        file.write_bytes(b"")
    (tmp_path / "next.tmp").write_bytes(b"torn")
    (tmp_path / "epoch-000009-.npz").write_bytes(b"foreign")
    assert epochs_in(tmp_path) == []
    assert epochs_in(tmp_path / "missing") == []
    assert list(opened(None).read()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"specs": (make_spec(0), make_spec(1, learning_rate=0.5))},
        {"specs": (make_spec(0),)},
        {"batch_seed": 8},
        {"folds": (0, 1)},
        {"rungs": ()},
        {"stop_after": 2},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_cohort_is_ignored(change, tmp_path: Path):
    written(tmp_path, 1)
    assert epochs_in(tmp_path, replace(COHORT, **change)) == []
    assert epochs_in(tmp_path, replace(COHORT, number=5)) == [1]


def test_what_is_not_needed_leaves_when_the_next_is_written(tmp_path: Path):
    written(tmp_path, 7, 8, cohort=replace(COHORT, batch_seed=8))
    mine = written(tmp_path, 1)
    assert epochs_in(tmp_path) == [1]
    checkpoints = opened(tmp_path)
    assert next(checkpoints.read()).epoch == 1
    checkpoints.write(2, {}, ())
    assert epochs_in(tmp_path) == [2, 1]
    assert len(list(tmp_path.iterdir())) == len(mine) + 1 == 2


def test_a_full_disk_leaves_out_a_checkpoint_and_keeps_the_one_before(tmp_path: Path):
    before = written(tmp_path, 1)
    large = {"group-0/parameters": np.zeros(100_000, dtype=np.float32)}
    with files_of_at_most(50_000):
        assert written(tmp_path, 2, arrays=large) == before
    assert written(tmp_path, 3, arrays=large)[-1].stat().st_size > 400_000
    assert epochs_in(tmp_path)[0] == 3


def test_a_checkpoint_leaves_room_for_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    large = {"group-0/parameters": np.zeros(2**20, dtype=np.uint8)}
    before = written(tmp_path, 1)
    for free, is_written in ((257, False), (260, True)):
        usage = shutil.disk_usage(tmp_path)._replace(free=free * 2**20)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
            assert (written(tmp_path, 2, arrays=large) != before) == is_written


def test_a_folder_that_cannot_be_made_leaves_out_the_checkpoint(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    opened(tmp_path / "file").write(1, {}, ())
    opened(tmp_path / "file" / "below").write(1, {}, ())
    assert (tmp_path / "file").read_text() == "in the way"


def test_memory_that_runs_out_leaves_out_the_checkpoint(tmp_path: Path):
    def arrays() -> Iterator[tuple[str, Any]]:
        yield "small", np.zeros(3)
        raise MemoryError

    opened(tmp_path).write(1, {}, arrays())
    assert list(tmp_path.iterdir()) == []


def test_time_decides_when_one_is_due(tmp_path: Path):
    assert opened(tmp_path, every_seconds=0.0).is_due
    assert not opened(tmp_path, every_seconds=3600.0).is_due
    assert not opened(None, every_seconds=0.0).is_due


def test_numbers_that_json_does_not_know_come_back(tmp_path: Path):
    opened(tmp_path).write(1, {"losses": [float("nan"), float("inf"), 0.1 + 0.2]}, ())
    (checkpoint,) = opened(tmp_path).read()
    np.testing.assert_array_equal(checkpoint.values["losses"], [np.nan, np.inf, 0.1 + 0.2])


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickled_objects_are_not_opened(tmp_path: Path):
    np.savez(tmp_path / "made.npz", values=np.array([Payload(tmp_path / "opened")]))
    checksum = hashlib.sha256((tmp_path / "made.npz").read_bytes()).hexdigest()
    (tmp_path / "made.npz").rename(tmp_path / f"epoch-000001-{checksum}.npz")
    assert epochs_in(tmp_path) == []
    assert not (tmp_path / "opened").exists()
