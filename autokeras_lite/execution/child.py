"""The other end of the process executor: a child that trains what it is sent and answers in plain values."""

import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.execution.machine import Share
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


def serve(connection: Connection, share: Share) -> None:
    """Do what comes through the connection, one thing after the other, until it is closed from the other side."""
    # The terminal sends Ctrl-C to every process of the group: what happens then is the driver's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from autokeras_lite.execution import quiet  # noqa: F401 - before TensorFlow
    from autokeras_lite.execution.isolated import run_isolated
    from autokeras_lite.training.compiled_epoch import configure_tensorflow

    configure_tensorflow(share.threads)
    try:
        while True:
            asked = connection.recv()
            if isinstance(asked, CohortJob):
                connection.send(run_isolated(asked, share.bytes_each, _Wire(connection)))
            else:
                connection.send(_done(asked))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _done(work: Callable[[], Any]) -> Returned | Raised:
    try:
        return Returned(work())
    except Exception as error:  # noqa: BLE001 - raised again by the driver
        return Raised(error, traceback.format_exc())


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
