import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from autokeras_lite.search.study_record import TRIAL_ATTRIBUTE, StudyRecord


def trial(number: int) -> FrozenTrial:
    return create_trial(
        state=TrialState.COMPLETE,
        value=number / 10,
        params={"x": 0.5},
        distributions={"x": FloatDistribution(0.0, 1.0)},
        user_attrs={TRIAL_ATTRIBUTE: number},
    )


TRIALS = [trial(number) for number in (1, 2, 3)]


def record_of(folder: Path, name: str = "wide") -> StudyRecord:
    return StudyRecord(folder / "study.db", name, "maximize")


def write(folder: Path, trials, name: str = "wide") -> tuple[str, ...]:
    """Write trials as one process does."""
    record = record_of(folder, name)
    return record.close(record.add(trials))


def stored(folder: Path, name: str = "wide") -> list[tuple[int, float]]:
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{folder / 'study.db'}")
    return [(one.user_attrs[TRIAL_ATTRIBUTE], one.value) for one in study.get_trials()]


def test_trials_are_written_once_whoever_writes_them_again(tmp_path):
    assert write(tmp_path, TRIALS[:2]) == ()
    assert write(tmp_path, TRIALS) == ()
    record = record_of(tmp_path)
    for _ in range(2):
        assert record.add(TRIALS) == []
    record.close()
    assert stored(tmp_path) == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_trials_that_the_file_lost_are_written_again(tmp_path):
    write(tmp_path, TRIALS)
    (tmp_path / "study.db").unlink()
    write(tmp_path, TRIALS)
    assert [number for number, _ in stored(tmp_path)] == [1, 2, 3]


def test_a_study_without_trials_is_in_the_file_too(tmp_path):
    assert record_of(tmp_path).close() == ()
    assert stored(tmp_path) == []


def test_two_spaces_share_the_file_and_not_their_trials(tmp_path):
    write(tmp_path, TRIALS[:2], "one")
    write(tmp_path, TRIALS, "other")
    assert len(stored(tmp_path, "one")) == 2
    assert len(stored(tmp_path, "other")) == 3


def newer_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE version_info SET schema_version = 999")
        connection.execute("UPDATE alembic_version SET version_num = 'v999'")
    connection.close()


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(255 - byte for byte in content[4096:])
    path.write_bytes(content)


def no_database(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)


def garbled(table: str, column: str, content: object) -> Callable[[Path], None]:
    """Return what puts other content in place of a stored value."""

    def damage(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(f"UPDATE {table} SET {column} = ?", (content,))
        connection.close()

    return damage


GARBLED = [
    pytest.param(garbled("trial_user_attributes", "value_json", "{no json"), id="no JSON"),
    pytest.param(garbled("trial_user_attributes", "value_json", "[1]"), id="no number"),
    pytest.param(garbled("trial_params", "distribution_json", '{"name": "Nothing", "attributes": {}}'), id="unknown"),
    pytest.param(garbled("trial_params", "distribution_json", "[]"), id="no distribution"),
]


@pytest.mark.parametrize("damage", [torn, flipped, no_database, newer_version, *GARBLED])
def test_a_damaged_file_is_set_aside_and_written_anew(damage, tmp_path):
    write(tmp_path, TRIALS[:2])
    damage(tmp_path / "study.db")
    damaged = (tmp_path / "study.db").read_bytes()
    (note,) = write(tmp_path, TRIALS)
    assert "could not be read" in note
    assert "study.db.damaged-1" in note
    assert "\n" not in note
    assert stored(tmp_path) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert (tmp_path / "study.db.damaged-1").read_bytes() == damaged


def test_a_file_that_was_set_aside_before_is_kept(tmp_path):
    for number in (1, 2):
        no_database(tmp_path / "study.db")
        write(tmp_path, TRIALS)
        assert (tmp_path / f"study.db.damaged-{number}").exists()


def test_trials_without_their_attributes_are_no_trials_of_ours(tmp_path):
    write(tmp_path, TRIALS[:1])
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("DELETE FROM trial_user_attributes")
    connection.close()
    record = record_of(tmp_path)
    assert record.add(TRIALS) == []
    assert record.close() == ()


def test_a_damaged_file_that_cannot_be_set_aside_is_told_and_left_alone(tmp_path, monkeypatch):
    no_database(tmp_path / "study.db")

    def refuse(*_):
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "rename", refuse)
    record = record_of(tmp_path)
    assert [record.add(TRIALS), record.add(TRIALS)] == [TRIALS, TRIALS]
    notes = record.close(TRIALS)
    assert len(notes) == 2
    assert "is written no more (PermissionError" in notes[0]
    assert notes[1].endswith("it lacks 3 trials.")


def test_what_optuna_refuses_ends_the_writing_and_not_the_search(tmp_path):
    record = record_of(tmp_path)
    odd = trial(2)
    odd.state, odd.values = TrialState.COMPLETE, None
    assert record.add([trial(1), odd]) == [odd]
    assert record.add(TRIALS) == TRIALS
    refused, missing = record.close([odd])
    assert "is written no more (" in refused
    assert missing.endswith("it lacks 1 trials.")
    assert stored(tmp_path) == [(1, 0.1)]


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


LOCKS = {
    "all of it": ("BEGIN EXCLUSIVE",),
    "for writing": ("BEGIN IMMEDIATE",),
    "for reading": ("BEGIN", "SELECT count(*) FROM trials"),
}


@pytest.fixture(params=LOCKS)
def other(request, tmp_path) -> Iterator[sqlite3.Connection]:
    """Somebody who holds a file with one trial in it."""
    write(tmp_path, TRIALS[:1])
    connection = sqlite3.connect(tmp_path / "study.db", check_same_thread=False, isolation_level=None)
    for statement in LOCKS[request.param]:
        connection.execute(statement).fetchall()
    yield connection
    connection.close()


@pytest.mark.parametrize("is_open", [False, True])
def test_a_locked_file_is_left_alone_for_a_while_and_written_then(is_open, other, tmp_path):
    clock = Clock()
    record = StudyRecord(tmp_path / "study.db", "wide", "maximize", now=clock)
    if is_open:
        other.rollback()
        assert record.add(TRIALS[:1]) == []
        other.execute("BEGIN EXCLUSIVE")
    begin = time.monotonic()
    assert record.add(TRIALS) == TRIALS
    assert time.monotonic() - begin < 2  # Optuna alone takes most of a minute
    other.rollback()
    assert record.add(TRIALS) == TRIALS
    clock.seconds += 10
    assert record.add(TRIALS) == []
    assert record.close() == ()
    assert len(stored(tmp_path)) == 3
    assert not list(tmp_path.glob("*damaged*"))


def test_a_file_that_is_locked_to_the_end_is_told(other, tmp_path):
    begin = time.monotonic()
    (note,) = record_of(tmp_path).close(TRIALS)
    assert time.monotonic() - begin < 4
    assert note.endswith("could not be written: it lacks 3 trials.")


def test_a_file_that_is_locked_between_two_trials_is_not_tried_again_and_again(tmp_path, monkeypatch):
    record = record_of(tmp_path)
    assert record.add(TRIALS[:1]) == []
    other = sqlite3.connect(tmp_path / "study.db", isolation_level=None)
    rested = []
    monkeypatch.setattr(time, "sleep", rested.append)  # what Optuna does before it tries again

    class Late(FrozenTrial):
        """A trial whose first look by Optuna is the moment at which somebody takes the lock."""

        @property
        def user_attrs(self):
            if not other.in_transaction:
                other.execute("BEGIN EXCLUSIVE")
            return {TRIAL_ATTRIBUTE: 2}

        @user_attrs.setter
        def user_attrs(self, values):
            pass

    late = trial(2)
    late.__class__ = Late
    assert record.add([late]) == [late]
    assert rested == []
    other.close()
    assert len(stored(tmp_path)) == 1


def test_a_file_that_somebody_has_locked_is_waited_for_at_the_end(tmp_path):
    write(tmp_path, TRIALS[:1])
    other = sqlite3.connect(tmp_path / "study.db", check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.5, other.rollback)
    release.start()
    assert record_of(tmp_path).close(TRIALS) == ()
    release.join()
    other.close()
    assert len(stored(tmp_path)) == 3
    assert not list(tmp_path.glob("*damaged*"))


def test_what_cannot_be_written_now_is_written_later_and_what_never_could_be_is_told(tmp_path):
    clock = Clock()
    record = StudyRecord(tmp_path / "later" / "study.db", "wide", "maximize", now=clock)
    assert record.add(TRIALS) == TRIALS
    (tmp_path / "later").mkdir()
    clock.seconds += 10
    assert record.add(TRIALS) == []
    assert record.close() == ()
    assert len(stored(tmp_path / "later")) == 3
    (note,) = write(tmp_path / "never", TRIALS)
    assert note == f"{tmp_path / 'never' / 'study.db'} could not be written: it lacks 3 trials."
