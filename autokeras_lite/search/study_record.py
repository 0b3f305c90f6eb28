"""The file `study.db`: one Optuna study for each space, for whoever wants to look at it with Optuna's own tools.

It is written and never read by a search, which keeps its truth in the journal and the results. So a file that is
damaged, locked or of another version costs nothing: it is set aside, or written later, and no search waits for it.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

TRIAL_ATTRIBUTE = "trial"
_WAIT_SECONDS = 0.1
_CLOSING_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
_BUSY = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)
_PRIMARY_CODE = 0xFF  # the rest of a code tells more than is asked here


class _CannotWriteNowError(Exception):
    """The file is locked, or there is no room; Optuna, which does not know this error, does not try again."""


class StudyRecord:
    """One study in the file; the file is opened when it is first written to.

    `now` reads a clock, in seconds.
    """

    def __init__(
        self,
        database: Path,
        name: str,
        direction: Literal["maximize", "minimize"],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._name, self._direction, self._now = database, name, direction, now
        self._storage: RDBStorage | None = None
        self._study: optuna.Study | None = None
        self._known: set[object] = set()
        self._notes: list[str] = []
        self._paused_until: float | None = None
        self._is_given_up = False

    def add(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Add trials that the file lacks; return those that could not be written now.

        A file that somebody has locked is waited for a tenth of a second, and then left alone for some seconds.
        """
        if self._paused_until is not None and self._now() < self._paused_until:
            return list(trials)
        return self._write(trials, _WAIT_SECONDS)

    def close(self, trials: Sequence[FrozenTrial] = ()) -> tuple[str, ...]:
        """Add the last trials, with a little more patience, and close the file; return what a person should know."""
        left = self._write(trials, _CLOSING_SECONDS)
        self._release()
        if left:
            self._notes.append(f"{self._database} could not be written: it lacks {len(left)} trials.")
        return tuple(self._notes)

    def _write(self, trials: Sequence[FrozenTrial], wait_seconds: float) -> list[FrozenTrial]:
        left = list(trials)
        if self._is_given_up or (self._study is not None and not left):
            return left
        try:
            _await_lock(self._database, wait_seconds)
            study = self._study or self._open()
            while left:
                number = left[0].user_attrs.get(TRIAL_ATTRIBUTE)
                if number not in self._known:
                    study.add_trial(left[0])
                    self._known.add(number)
                left.pop(0)
        except Exception as error:  # noqa: BLE001 - a search needs nothing of this file, and so does not end by it
            self._put_off(error)
        return left

    def _put_off(self, error: Exception) -> None:
        """Try again later if that can help, and never otherwise."""
        if _is_busy(error):
            self._paused_until = self._now() + _PAUSE_SECONDS
            return
        self._is_given_up = True
        self._notes.append(f"{self._database} is written no more ({_reason(error)}).")

    def _open(self) -> optuna.Study:
        try:
            self._study = self._connect()
        except Exception as error:  # what Optuna raises for garbled values depends on where they are
            self._release()
            if _is_busy(error):
                raise
            self._set_aside(error)
            self._study = self._connect()
        return self._study

    def _connect(self) -> optuna.Study:
        self._storage = RDBStorage(
            f"sqlite:///{self._database}", engine_kwargs={"connect_args": {"timeout": _WAIT_SECONDS}}
        )
        event.listen(self._storage.engine, "handle_error", _refuse_to_wait)
        study = optuna.create_study(
            study_name=self._name, storage=self._storage, direction=self._direction, load_if_exists=True
        )
        # Reads the whole file, and so finds damage now.
        self._known = {trial.user_attrs.get(TRIAL_ATTRIBUTE) for trial in study.get_trials(deepcopy=False)}
        return study

    def _set_aside(self, error: Exception) -> None:
        names = (self._database.with_name(f"{self._database.name}.damaged-{number}") for number in count(1))
        backup = next(name for name in names if not name.exists())
        self._database.rename(backup)
        self._notes.append(
            f"{self._database} could not be read ({type(error).__name__}) and was written anew from the results; "
            f"the old file is {backup.name}."
        )

    def _release(self) -> None:
        if self._storage is None:
            return
        with suppress(Exception):  # nothing that was written is lost by a file that does not close
            self._storage.remove_session()
            self._storage.engine.dispose()
        self._storage = self._study = None


def _await_lock(database: Path, wait_seconds: float) -> None:
    """Wait so long until the file can be written, and raise what SQLite says if it cannot; damage passes."""
    try:
        with closing(sqlite3.connect(database, timeout=wait_seconds, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")  # also waits for those who read, as a commit would
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if _is_busy(error):
            raise


def _refuse_to_wait(context: ExceptionContext) -> Exception | None:
    """Give Optuna an error that it does not try again after, which it does for most of a minute."""
    return _CannotWriteNowError(str(context.original_exception)) if _is_busy(context.original_exception) else None


def _is_busy(error: BaseException) -> bool:
    """Say whether the file cannot be written now (locked by somebody, disk full), rather than damaged."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, sqlite3.OperationalError) and reason.sqlite_errorcode & _PRIMARY_CODE in _BUSY:
            return True
        reason = reason.__cause__
    return False


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
