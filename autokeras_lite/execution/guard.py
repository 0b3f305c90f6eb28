"""Watches children at work, and ends those that take more memory or time than they may."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psutil

from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.memory import anonymous_bytes, as_size
from autokeras_lite.trial import Cause

_LOOK_SECONDS = 0.05
# Once a child has taken half of what it may: memory can be filled by gigabytes a second.
_CLOSE_LOOK_SECONDS = 0.01
# A spawned child imports TensorFlow first, which takes long on a busy machine.
_START_SECONDS = 120.0
# It has ended, which whoever waits for it finds out; or nothing can be read now, for want of file descriptors.
_UNSEEN = (psutil.Error, OSError, ValueError)
# An allocation that fails at the limit itself is an error with a traceback: it is given the chance to be the first.
_TOLERANCE = 1.03


@dataclass(frozen=True)
class Sentence:
    """Why a child was ended."""

    cause: Cause
    message: str


@dataclass
class Watched:
    """A child at work.

    `gauge` tells the memory that it had when it began: until then nothing is held against it, and `deadline` is the
    time by which it has to begin. `cancel` asks it to end after this epoch. `taken_bytes` is what it was last seen to
    have taken.
    """

    process: psutil.Process
    gauge: Connection
    cancel: Callable[[], None]
    deadline: float = math.inf
    bytes_at_start: int | None = None
    taken_bytes: int = 0
    is_cancelled: bool = False
    sentence: Sentence | None = None


class Guard:
    """One thread that looks at every child twenty times a second or more often; it lives from the first to `close`.

    It does not depend on the driver's waiting: a driver that computes something itself still ends a child in time.
    A child whose time is over is asked to end at the end of its epoch, and killed `grace_seconds` later. Its time
    begins when it begins with the cohort, for which it has `start_seconds`.
    """

    def __init__(self, share: Share, grace_seconds: float, start_seconds: float = _START_SECONDS) -> None:
        self._share = share
        self._grace_seconds = grace_seconds
        self._start_seconds = start_seconds
        self._watched: list[Watched] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def watch(self, process: psutil.Process, gauge: Connection, cancel: Callable[[], None]) -> Watched:
        """Begin to watch a child that is being given a cohort now."""
        watched = Watched(process, gauge, cancel, time.monotonic() + self._start_seconds)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="guard of children", daemon=True)
                self._thread.start()
            self._watched.append(watched)
            self._changed.notify()
        return watched

    def release(self, watched: Watched) -> None:
        """Watch a child no more; from then on nothing is done to it."""
        with self._changed:
            self._watched = [other for other in self._watched if other is not watched]

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._watched or self._is_closed)
                if self._is_closed:
                    return
                for watched in self._watched:
                    self._look(watched)
                most = max(watched.taken_bytes for watched in self._watched)
            time.sleep(_LOOK_SECONDS if 2 * most < self._share.bytes_each else _CLOSE_LOOK_SECONDS)

    def _look(self, watched: Watched) -> None:
        if watched.sentence is None:
            self._hear(watched)
            with suppress(*_UNSEEN):
                self._weigh(watched)
        if watched.sentence is None:
            self._time(watched)
        if watched.sentence is not None:
            with suppress(*_UNSEEN):  # The next look tries again.
                watched.process.kill()

    def _hear(self, watched: Watched) -> None:
        with suppress(EOFError, OSError):  # The child has gone.
            while watched.gauge.poll():
                watched.bytes_at_start = watched.gauge.recv()
                seconds = self._share.trial_seconds
                watched.deadline = math.inf if seconds is None else time.monotonic() + seconds

    def _weigh(self, watched: Watched) -> None:
        now = anonymous_bytes(watched.process)
        if watched.bytes_at_start is None or now == 0:
            return
        watched.taken_bytes = now - watched.bytes_at_start
        limit = self._share.bytes_each
        if watched.taken_bytes > _TOLERANCE * limit:
            watched.sentence = Sentence(Cause.OUT_OF_MEMORY_HOST, beyond_memory(watched.taken_bytes, limit))

    def _time(self, watched: Watched) -> None:
        late = time.monotonic() - watched.deadline
        if watched.bytes_at_start is None:
            if late >= 0:
                watched.sentence = Sentence(
                    Cause.LOST, f"The process had not begun with the trial after {self._start_seconds:g} seconds."
                )
            return
        if late >= 0 and not watched.is_cancelled:
            watched.is_cancelled = True
            watched.cancel()
        if late >= self._grace_seconds:
            watched.sentence = Sentence(
                Cause.TIMEOUT,
                f"The cohort had {self._share.trial_seconds:g} seconds and had not ended {self._grace_seconds:g} "
                "seconds later. Give it more time with --trial-time-limit.",
            )


def beyond_memory(taken_bytes: int, limit_bytes: int) -> str:
    """Say that a child took too much."""
    return (
        f"The process had taken {as_size(taken_bytes)} of memory when it was ended, and a worker may take "
        f"{as_size(limit_bytes)}. Raise that with --memory-limit, or have fewer --workers."
    )
