"""The other end of the process executor: a child that trains what it is sent and answers in plain values."""

import pickle
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import psutil

from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter
from autokeras_lite.execution.isolated import run_isolated
from autokeras_lite.execution.lifeline import end_with_driver
from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.memory import anonymous_bytes, go_first, limited
from autokeras_lite.execution.pending import Raised, Returned, attempt
from autokeras_lite.execution.trade import Craft, Trade, learn
from autokeras_lite.trial import Directive, EpochReport


@dataclass(frozen=True)
class Refused:
    """The answer of a child forked from a server in which TensorFlow was in use: what it did there might hang."""


@dataclass(frozen=True)
class Answer:
    """What the driver says to the report of an epoch; `None` where it speaks unasked."""

    directive: Directive
    epoch: int | None = None


@dataclass(frozen=True)
class Wires:
    """A child's ends: `talk` carries work and answers, `gauge` the memory that it has when it begins a cohort."""

    talk: Connection
    gauge: Connection


@dataclass(frozen=True)
class Calling:
    """What a child is to do and with how much; `has_soft_limit` says whether its allocations may be made to fail."""

    trade: Trade
    share: Share
    has_soft_limit: bool


def serve(wires: Wires, calling: Calling) -> None:
    """Do what comes through the wire, one thing after the other, until it is closed from the other side."""
    # Terminals and batch systems send Ctrl-C and SIGTERM to every process of the group: what happens then is the
    # driver's to say, which stops a trial at an epoch, and ends a child with SIGKILL.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_driver()
    go_first()
    craft = learn(calling.trade)
    is_fit = _prepare(calling)
    try:
        while True:
            asked = wires.talk.recv()
            if isinstance(asked, Answer):
                continue  # It came after the cohort had ended.
            if not is_fit:
                wires.talk.send(Refused())
            elif isinstance(asked, CohortJob):
                wires.talk.send(_train(asked, wires, calling, craft))
            else:
                wires.talk.send(_done(asked))
    except (EOFError, OSError):
        return


def _prepare(calling: Calling) -> bool:
    """Give TensorFlow its share before it starts; return whether it had not started yet."""
    if not calling.trade.uses_tensorflow:
        return True
    from autokeras_lite.training.compiled_epoch import configure_tensorflow, is_untouched

    is_fit = is_untouched()
    if is_fit:
        configure_tensorflow(calling.share.threads, calling.share.gpu_bytes)
    return is_fit


def _train(job: CohortJob, wires: Wires, calling: Calling, craft: Craft) -> CohortResult:
    share = calling.share
    # TensorFlow has two pools of threads and one thread more.
    num_new_threads = 2 * share.threads + 1 if calling.trade.uses_tensorflow else 0

    def train(job: CohortJob, free_bytes: int, report: Reporter) -> CohortResult:
        with limited(share.bytes_each, num_new_threads):
            return craft.train(job, free_bytes, report)

    wires.gauge.send(anonymous_bytes(psutil.Process()))
    bounded = replace(craft, train=train) if calling.has_soft_limit else craft
    return run_isolated(job, share, _Wire(wires.talk), bounded)


def _done(work: Callable[[], Any]) -> Returned | Raised:
    answer = attempt(work)
    return replace(answer, error=_portable(answer.error)) if isinstance(answer, Raised) else answer


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
        try:
            return self._exchange(report)
        except (EOFError, OSError):
            raise SystemExit from None  # Nobody listens any more: this is no fault of the trial.

    def _exchange(self, report: EpochReport) -> Directive:
        self._connection.send(report)
        told = Directive()
        waiting = report.rung is not None
        while waiting or self._connection.poll():
            answer: Answer = self._connection.recv()
            told |= answer.directive
            waiting = waiting and not told.cancel and answer.epoch != report.epoch
        return told
