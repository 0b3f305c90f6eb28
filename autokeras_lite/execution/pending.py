"""A piece of work in the background, and what comes of it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class LostWorkError(RuntimeError):
    """The child that was to do a piece of work has gone without an answer."""


@dataclass(frozen=True)
class Returned:
    """What a piece of work returned."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """What a piece of work raised, and its traceback where it was raised."""

    error: Exception
    traceback: str = ""


def attempt(work: Callable[[], Any]) -> Returned | Raised:
    """Do a piece of work."""
    try:
        return Returned(work())
    except Exception as error:  # noqa: BLE001 - raised again by whoever asked for the work
        return Raised(error, traceback.format_exc())


class PendingWork(Generic[Result]):
    """A piece of work that someone else does; `listen` is called to have its answer brought."""

    def __init__(self, work: Callable[[], Result], listen: "Callable[[PendingWork[Result]], None]") -> None:
        self.work = work
        self._listen = listen
        self._answer: Returned | Raised | None = None

    @property
    def is_done(self) -> bool:
        """Whether the answer has come."""
        return self._answer is not None

    def settle(self, answer: Returned | Raised) -> None:
        """Take the answer; the traceback goes with the error as a note."""
        if isinstance(answer, Raised) and answer.traceback:
            answer.error.add_note(answer.traceback)
        self._answer = answer

    def result(self) -> Result:
        """Return what the work returned or raise what it raised, waiting for it where it is not done."""
        while self._answer is None:
            self._listen(self)
        if isinstance(self._answer, Raised):
            raise self._answer.error
        value: Result = self._answer.value
        return value
