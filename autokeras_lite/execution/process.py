"""Runs each cohort in a child process, forked from a server that has imported TensorFlow but never started it."""

import multiprocessing
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from autokeras_lite.execution.child import Raised, serve
from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter, Result, failed
from autokeras_lite.execution.machine import Share
from autokeras_lite.trial import Cause, Directive, EpochReport

_PRELOAD = "autokeras_lite.execution.preload"
_GRACE_SECONDS = 5.0


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: CohortJob | None = None


class ProcessExecutor:
    """Trains in children: each forked for one cohort, or, beside a GPU, spawned once and kept warm.

    A process that has touched a GPU must not be forked, and to start it anew costs seconds.
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
        worker.connection.send(job)

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Pass on what the children say until the first of them is done."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        ready = wait(list(busy), timeout=max(0.0, timeout_seconds))
        results = [self._hear(busy[connection], report) for connection in busy if connection in ready]
        return tuple(result for result in results if result is not None)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in a child and wait for it."""
        worker = self._idle_worker()
        worker.connection.send(work)
        try:
            answer = worker.connection.recv()
        except EOFError:
            raise RuntimeError(f"The child that was to do the work ended with code {_exit_code(worker)}.") from None
        finally:
            self._retire(worker)
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
            worker.process.join(_GRACE_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _idle_worker(self) -> _Worker:
        for worker in self._workers:
            if worker.job is None and worker.process.is_alive():
                return worker
        ours, theirs = self._context.Pipe()
        with _without_main():
            process = self._context.Process(target=serve, args=(theirs, self._share), daemon=True)  # type: ignore[attr-defined]
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _hear(self, worker: _Worker, report: Reporter) -> CohortResult | None:
        """Take one message from a child; return its result when it is done or dead."""
        assert worker.job is not None
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._lost(worker)
        if isinstance(message, EpochReport):
            self._answer(worker, message, report(message))
            return None
        worker.job = None
        self._retire(worker)
        result: CohortResult = message
        return result

    def _answer(self, worker: _Worker, report: EpochReport, directive: Directive) -> None:
        if report.rung is None and not directive.prune and not directive.cancel:
            return
        try:
            worker.connection.send(directive)
        except (BrokenPipeError, ConnectionResetError):
            return  # The child is gone; the next message tells.

    def _lost(self, worker: _Worker) -> CohortResult:
        job, code = worker.job, _exit_code(worker)
        assert job is not None
        worker.job = None
        self._workers.remove(worker)
        if code is not None and code < 0:
            return failed(job, Cause.SIGNAL, f"The process was ended by signal {-code}.")
        return failed(job, Cause.LOST, f"The process ended with code {code} and left no result.")

    def _retire(self, worker: _Worker) -> None:
        """Let a child go that was forked for one piece of work; its memory goes with it."""
        if self._warm or worker not in self._workers:
            return
        worker.connection.close()
        worker.process.join(_GRACE_SECONDS)
        self._workers.remove(worker)


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
