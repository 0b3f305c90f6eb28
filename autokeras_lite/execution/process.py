"""Runs each cohort in a child process, forked from a server that has imported TensorFlow but never started it."""

import logging
import multiprocessing
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from autokeras_lite.execution.child import Raised, Refused, serve
from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter, Result, failed
from autokeras_lite.execution.machine import Share
from autokeras_lite.trial import Cause, Directive, EpochReport

_PRELOAD = "autokeras_lite.execution.preload"
_GRACE_SECONDS = 5.0
_GONE = (EOFError, BrokenPipeError, ConnectionResetError)
_LOGGER = logging.getLogger(__name__)


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    is_warm: bool
    job: CohortJob | None = None


class ProcessExecutor:
    """Trains in children: each forked for one cohort, or, beside a GPU, spawned once and kept warm.

    A process that has touched a GPU must not be forked, and to start it anew costs seconds. Children are spawned, too,
    once a forked one has found that TensorFlow was in use in the fork server, which a program that calls this one may
    have started for itself. The fork server outlives the executor, for the next one, and ends with this process.
    """

    def __init__(self, share: Share, *, has_gpu: bool) -> None:
        self._share = share
        self._warm = has_gpu or not _can_fork()
        self._context = _context(warm=self._warm)
        self._workers: list[_Worker] = []

    @property
    def slots(self) -> int:
        """As many as the share has workers."""
        return self._share.workers

    def submit(self, job: CohortJob) -> None:
        """Send the job to an idle child or to a new one."""
        worker = self._idle_worker()
        worker.job = job
        with suppress(*_GONE):  # It died at once: `wait` hears nothing from it and says so.
            worker.connection.send(job)

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Pass on what the children say until the first of them is done."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        ready = wait(list(busy), timeout=max(0.0, timeout_seconds))
        results = [self._hear(busy[connection], report) for connection in busy if connection in ready]
        return tuple(result for result in results if result is not None)

    def drop(self, cohort: int) -> None:
        """End the child that trains this cohort."""
        for worker in [w for w in self._workers if w.job is not None and w.job.cohort.number == cohort]:
            worker.job = None
            worker.process.kill()
            self._let_go(worker)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in a child and wait for it."""
        answer = self._ask(work)
        if isinstance(answer, Refused):
            self._fork_no_more()
            answer = self._ask(work)
        if isinstance(answer, Raised):
            answer.error.add_note(answer.traceback)
            raise answer.error
        value: Result = answer.value
        return value

    def close(self) -> None:
        """Close every connection, and end the children that do not go by themselves."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            if worker.job is not None:
                worker.process.terminate()
            _see_off(worker.process)
        self._workers.clear()

    def _idle_worker(self) -> _Worker:
        for worker in self._workers:
            if worker.job is None and worker.process.is_alive():
                return worker
        return self._new_worker()

    def _new_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        with _without_main():
            process = self._context.Process(target=serve, args=(theirs, self._share), daemon=True)  # type: ignore[attr-defined]
            process.start()
        theirs.close()
        worker = _Worker(process, ours, self._warm)
        self._workers.append(worker)
        return worker

    def _ask(self, work: Callable[[], object]) -> Any:
        """Send a piece of work to a child and wait for its answer."""
        worker = self._idle_worker()
        try:
            worker.connection.send(work)
            answer = worker.connection.recv()
        except _GONE:
            raise RuntimeError(f"The child that was to do the work ended with code {_exit_code(worker)}.") from None
        finally:
            self._retire(worker)
        return answer

    def _hear(self, worker: _Worker, report: Reporter) -> CohortResult | None:
        """Take one message from a child; return its result when it is done or dead."""
        assert worker.job is not None
        try:
            message = worker.connection.recv()
        except _GONE:
            return self._lost(worker)
        if isinstance(message, EpochReport):
            self._answer(worker, message, report(message))
            return None
        job, worker.job = worker.job, None
        self._retire(worker)
        if isinstance(message, Refused):
            self._fork_no_more()
            self.submit(job)
            return None
        result: CohortResult = message
        return result

    def _answer(self, worker: _Worker, report: EpochReport, directive: Directive) -> None:
        if report.rung is None and not directive.prune and not directive.cancel:
            return
        with suppress(*_GONE):  # The child is gone; the next message tells.
            worker.connection.send(directive)

    def _lost(self, worker: _Worker) -> CohortResult:
        job, code = worker.job, _exit_code(worker)
        assert job is not None
        worker.job = None
        self._let_go(worker)
        if code is not None and code < 0:
            return failed(job, Cause.SIGNAL, f"The process was ended by signal {-code}.")
        return failed(job, Cause.LOST, f"The process ended with code {code} and left no result.")

    def _retire(self, worker: _Worker) -> None:
        """Let a child go that was forked for one piece of work; its memory goes with it."""
        if not worker.is_warm:
            self._let_go(worker)

    def _let_go(self, worker: _Worker) -> None:
        worker.connection.close()
        _see_off(worker.process)
        self._workers.remove(worker)

    def _fork_no_more(self) -> None:
        if self._warm:
            return
        _LOGGER.warning(
            "TensorFlow is in use in this program's fork server, so trials run in spawned processes: each takes some "
            "seconds to start. To avoid it, do not preload modules there that compute with TensorFlow."
        )
        self._warm = True
        self._context = _context(warm=True)


def _see_off(process: BaseProcess) -> None:
    """Wait until a process has gone; kill it where it does not go."""
    process.join(_GRACE_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _exit_code(worker: _Worker) -> int | None:
    worker.process.join(_GRACE_SECONDS)
    return worker.process.exitcode


def _can_fork() -> bool:
    return sys.platform == "linux"


def _context(*, warm: bool) -> BaseContext:
    if warm:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOAD])
    # Begins to import TensorFlow now, beside whatever the driver does next.
    multiprocessing.forkserver.ensure_running()  # type: ignore[attr-defined]
    return context


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the caller's script from new children: they would run it again if it has no `__main__` guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
