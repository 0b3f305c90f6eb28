"""The other end of the process executor: a child that trains what it is sent and answers in plain values."""

import pickle
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.execution.machine import Share
from autokeras_lite.models.loading import load_keras
from autokeras_lite.trial import Directive, EpochReport


@dataclass(frozen=True)
class Returned:
    """What a piece of work returned."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """What a piece of work raised, and its traceback in the child."""

    error: Exception
    traceback: str


@dataclass(frozen=True)
class Refused:
    """The answer of a child forked from a server in which TensorFlow was in use: what it did there might hang."""


def serve(connection: Connection, share: Share) -> None:
    """Do what comes through the connection, one thing after the other, until it is closed from the other side."""
    # The terminal sends Ctrl-C to every process of the group: what happens then is the driver's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load_keras()
    from autokeras_lite.execution.isolated import run_isolated
    from autokeras_lite.training.compiled_epoch import configure_tensorflow, is_untouched

    is_fit = is_untouched()
    if is_fit:
        configure_tensorflow(share.threads)
    try:
        while True:
            asked = connection.recv()
            if not is_fit:
                connection.send(Refused())
            elif isinstance(asked, CohortJob):
                connection.send(run_isolated(asked, share.bytes_each, _Wire(connection)))
            else:
                connection.send(_done(asked))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _done(work: Callable[[], Any]) -> Returned | Raised:
    try:
        return Returned(work())
    except Exception as error:  # noqa: BLE001 - raised again by the driver
        return Raised(_portable(error), traceback.format_exc())


def _portable(error: Exception) -> Exception:
    """Return the error, or one that says the same where this one does not survive the way through the connection."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes of a moment ago
    except Exception:  # noqa: BLE001 - an exception may define its own pickling, which may raise anything
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


class _Wire:
    """Sends reports to the driver and brings its answers back; waits for one only at a rung."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, report: EpochReport) -> Directive:
        self._connection.send(report)
        prune: frozenset[int] = frozenset()
        cancel = False
        waiting = report.rung is not None
        while waiting or self._connection.poll():
            answer: Directive = self._connection.recv()
            prune, cancel, waiting = prune | answer.prune, cancel or answer.cancel, False
        return Directive(prune, cancel)
