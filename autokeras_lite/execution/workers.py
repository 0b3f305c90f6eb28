"""The driver's ends of its children, and how children come into the world: forked from a server, or spawned."""

import logging
import multiprocessing
import sys
import threading
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

import psutil

from autokeras_lite.execution.child import Calling, Wires, serve
from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.execution.guard import Watched
from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.pending import PendingWork
from autokeras_lite.execution.trade import Trade

# What a connection raises whose other end is gone, also in the middle of a message.
GONE = (EOFError, OSError)
_PRELOAD = "autokeras_lite.execution.preload"
_SECONDS_TO_GO = 5.0
_TRIES = 5
_SECONDS_BETWEEN_TRIES = 0.2
_LOGGER = logging.getLogger(__name__)


@dataclass
class Worker:
    """The driver's end of one child: what it does now, a cohort or a piece of work, and the wires to it.

    `process` says how the child ended, as long as its fork server lives to tell. `seen` is the child as the operating
    system shows it, `None` if it had gone before it was looked at. `num_oom_kills` is how many processes the kernel had
    ended for want of memory when the job was sent.
    """

    process: BaseProcess
    seen: psutil.Process | None
    connection: Connection
    gauge: Connection
    is_warm: bool
    job: CohortJob | None = None
    num_oom_kills: int | None = None
    watched: Watched | None = None
    work: PendingWork[Any] | None = None
    _sending: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_busy(self) -> bool:
        """Whether it has something to do."""
        return self.job is not None or self.work is not None

    def send(self, message: object) -> None:
        """Send a message, from whichever thread; if the child is gone, the next message from it tells."""
        with self._sending, suppress(*GONE):
            self.connection.send(message)

    def receive(self) -> Any:
        """Return the next message, waiting for it.

        Raises:
            EOFError: the child is gone, or its fork server, without which it goes too.
            OSError: it went in the middle of a message.
        """
        wait([self.connection, self.process.sentinel])
        if not self.connection.poll():
            raise EOFError
        return self.connection.recv()

    def exit_code(self) -> int | None:
        """Return the code that the child ended with, killing it if it does not end."""
        _see_off(self.process)
        return self.process.exitcode

    def end(self) -> None:
        """Close the wires, and see the child off: one at work is killed, an idle one goes by itself."""
        with self._sending:
            self.connection.close()
        self.gauge.close()
        if self.is_busy and self.seen is not None:
            with suppress(psutil.Error):  # It has gone.
                self.seen.kill()
        _see_off(self.process)
        with suppress(ValueError):  # It did not even heed SIGKILL: the kernel holds it.
            self.process.close()


def speaking(workers: Sequence[Worker], timeout_seconds: float) -> list[Worker]:
    """Return those from which there is something to receive, if only that they are gone; wait for the first."""
    ready = wait([end for worker in workers for end in (worker.connection, worker.process.sentinel)], timeout_seconds)
    return [worker for worker in workers if worker.connection in ready or worker.process.sentinel in ready]


class Nursery:
    """Makes children. A process that has touched a GPU must not be forked, so there they are spawned and kept warm."""

    def __init__(self, share: Share, trade: Trade, *, has_gpu: bool) -> None:
        # What CUDA takes of the address space counts against a soft limit, so there is none beside a GPU.
        self._calling = Calling(trade, share, has_soft_limit=not has_gpu)
        self._context = self._choose_context(warm=has_gpu or sys.platform != "linux")
        self._first = self._call_server()

    @property
    def is_warm(self) -> bool:
        """Whether children are kept for the next piece of work."""
        return self._context.get_start_method() == "spawn"

    def is_ready(self, timeout_seconds: float) -> bool:
        """Wait until children can be started at once, at most so long; say whether they can."""
        if self._first is not None:
            self._first.join(max(0.0, timeout_seconds))
        return self._first is None or not self._first.is_alive()

    def fork_no_more(self) -> None:
        """Spawn from now on, and say why; does nothing where children are spawned already."""
        if self.is_warm:
            return
        _LOGGER.warning(
            "TensorFlow is in use in this program's fork server, so trials run in spawned processes: each takes some "
            "seconds to start. To avoid it, do not preload modules there that compute with TensorFlow."
        )
        self._context = self._choose_context(warm=True)

    def new_worker(self) -> Worker:
        """Start a child.

        A fork server that was killed is started again. It may take a moment until it is seen to be dead, so this is
        tried more than once.

        Raises:
            OSError: no process can be started.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._start()
            except GONE:
                time.sleep(_SECONDS_BETWEEN_TRIES)
        try:
            return self._start()
        except EOFError:
            raise OSError("the fork server ended before it had started a process") from None

    def _start(self) -> Worker:
        ours, theirs = self._context.Pipe()
        gauge, their_gauge = self._context.Pipe(duplex=False)
        try:
            process = self._launch(Wires(theirs, their_gauge))
        except BaseException:
            ours.close()
            gauge.close()
            raise
        finally:
            theirs.close()
            their_gauge.close()
        return Worker(process, _as_seen(process), ours, gauge, self.is_warm)

    def _call_server(self) -> threading.Thread | None:
        """Ask the fork server for a child that does nothing; the thread ends when the server has imported everything.

        To start a child blocks until then, which may take long on a busy machine, and the driver has a deadline. The
        thread must not start the server itself, which would end with the thread: see `end_with_parent`.
        """
        if self.is_warm or not self._start_server():
            return None
        pickled = _Pickled()
        process = self._context.Process(target=_do_nothing, args=(pickled,), daemon=True)  # type: ignore[attr-defined]
        thread = threading.Thread(target=_start_and_forget, args=(process, pickled), daemon=True)
        with _without_main():
            thread.start()
            pickled.event.wait()
        return thread

    def _launch(self, wires: Wires) -> BaseProcess:
        if self._first is not None:
            self._first.join()  # two threads must not hide the caller's script at once
        if not self.is_warm:
            self._set_preload(self._context)  # Another executor may have set its own since.
        with _without_main():
            process: BaseProcess = self._context.Process(  # type: ignore[attr-defined]
                target=serve, args=(wires, self._calling), daemon=True
            )
            process.start()
        return process

    def _choose_context(self, *, warm: bool) -> BaseContext:
        if warm:
            return multiprocessing.get_context("spawn")
        context = multiprocessing.get_context("forkserver")
        self._set_preload(context)
        return context

    def _start_server(self) -> bool:
        """Start the fork server, which imports TensorFlow beside whatever the driver does; say whether it runs."""
        try:
            multiprocessing.forkserver.ensure_running()  # type: ignore[attr-defined]
        except OSError:
            return False  # The first child tries again, in the thread that needs it, and says what is wrong.
        return True

    def _set_preload(self, context: BaseContext) -> None:
        context.set_forkserver_preload([_PRELOAD, self._calling.trade.preload])


class _Pickled:
    """Tells when it is pickled: what starts a process has then taken all that it needs from this one."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        self.event.set()
        return bool, ()


def _do_nothing(_: object) -> None:
    """Be a child."""


def _start_and_forget(process: BaseProcess, pickled: _Pickled) -> None:
    try:
        process.start()
        process.join()
    except GONE:
        pass  # the first child that is needed says what is wrong
    finally:
        pickled.event.set()


def _as_seen(process: BaseProcess) -> psutil.Process | None:
    try:
        return psutil.Process(process.pid)
    except psutil.Error:
        return None


def _see_off(process: BaseProcess) -> None:
    """Wait until a process has gone; kill it where it does not go."""
    process.join(_SECONDS_TO_GO)
    if process.is_alive():
        process.kill()
        process.join(_SECONDS_TO_GO)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the caller's script from new children: they would run it again if it has no `__main__` guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
