"""Runs each cohort in a child process, forked from a server that has imported TensorFlow but never started it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from autokeras_lite.data.free_memory import num_oom_kills
from autokeras_lite.execution.child import Answer, Refused
from autokeras_lite.execution.executor import CohortJob, CohortResult, Pending, Reporter, Result, failed
from autokeras_lite.execution.guard import Guard
from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.pending import LostWorkError, PendingWork, Raised, Returned
from autokeras_lite.execution.trade import KERAS_TRADE, Trade
from autokeras_lite.execution.verdict import judge
from autokeras_lite.execution.workers import GONE, Nursery, Worker, speaking
from autokeras_lite.trial import Cause, Directive, EpochReport

_GRACE_SECONDS = 5.0
_TRIES = 3


class ProcessExecutor:
    """Trains in children: each forked for one cohort, or, beside a GPU, spawned once and kept warm.

    A process that has touched a GPU must not be forked, and to start it anew costs seconds. Children are spawned, too,
    once a forked one has found that TensorFlow was in use in the fork server, which a program that calls this one may
    have started for itself. The fork server outlives the executor, for the next one, and ends with this process.

    A cohort that takes more memory or time than its share is ended: see `Guard`. Work in the background has no limits.
    No child outlives this process, even if that is killed. Under `root` the system tells whom it ended for want of
    memory.
    """

    def __init__(
        self,
        share: Share,
        *,
        has_gpu: bool,
        trade: Trade = KERAS_TRADE,
        grace_seconds: float = _GRACE_SECONDS,
        root: Path = Path("/"),
    ) -> None:
        self._share = share
        self._root = root
        self._nursery = Nursery(share, trade, has_gpu=has_gpu)
        self._guard = Guard(share, grace_seconds)
        self._workers: list[Worker] = []
        self._stillborn: list[CohortResult] = []

    @property
    def slots(self) -> int:
        """As many as the share has workers."""
        return self._share.workers

    def is_ready(self, timeout_seconds: float) -> bool:
        """Wait for the fork server."""
        return self._nursery.is_ready(timeout_seconds)

    def submit(self, job: CohortJob) -> None:
        """Send the job to an idle child or to a new one."""
        try:
            worker = self._idle_worker()
        except OSError as error:
            self._stillborn.append(failed(job, Cause.LOST, f"No process could be started for the trial: {error}."))
            return
        worker.job = job
        worker.num_oom_kills = num_oom_kills(self._root)
        worker.send(job)
        if worker.seen is not None:
            cancel = partial(worker.send, Answer(Directive(cancel=True)))
            worker.watched = self._guard.watch(worker.seen, worker.gauge, cancel)

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Pass on what the children say until the first of them is done."""
        results, self._stillborn = self._stillborn, []
        busy = [worker for worker in self._workers if worker.is_busy]
        ready = speaking(busy, 0.0 if results else max(0.0, timeout_seconds))
        for worker in ready:
            if worker.is_busy:  # While one is heard another may be dropped.
                result = self._hear(worker, report)
                results += [] if result is None else [result]
        return tuple(results)

    def drop(self, cohort: int) -> None:
        """End the child that trains this cohort."""
        self._stillborn = [result for result in self._stillborn if result.cohort.number != cohort]
        for worker in [w for w in self._workers if w.job is not None and w.job.cohort.number == cohort]:
            self._let_go(worker)

    def start(self, work: Callable[[], Result]) -> Pending[Result]:
        """Send the work to a child beside those that train."""
        pending = PendingWork(work, self._listen_to)
        self._assign(pending)
        return pending

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in a child and wait for it; if somebody ends the child, do it again, a few times."""
        for _ in range(_TRIES - 1):
            with suppress(LostWorkError):
                return self.start(work).result()
        return self.start(work).result()

    def close(self) -> None:
        """End every child, at work or not."""
        for worker in tuple(self._workers):
            if worker.work is not None:
                worker.work.settle(Raised(RuntimeError("The executor was closed before the work was done.")))
            self._let_go(worker)
        self._guard.close()
        self._stillborn.clear()

    def _idle_worker(self) -> Worker:
        for worker in [w for w in self._workers if not w.is_busy]:
            if worker.process.is_alive():
                return worker
            self._let_go(worker)
        worker = self._nursery.new_worker()
        self._workers.append(worker)
        return worker

    def _assign(self, pending: PendingWork[Any]) -> None:
        try:
            worker = self._idle_worker()
        except OSError as error:
            pending.settle(Raised(RuntimeError(f"No process could be started for the work: {error}.")))
            return
        worker.work = pending
        try:
            worker.send(pending.work)
        except BaseException:  # It cannot be sent, which is the caller's to hear; the child waits for nothing.
            self._let_go(worker)
            raise

    def _listen_to(self, pending: PendingWork[Any]) -> None:
        """Take the answer of one child, and leave what others say to `wait`."""
        worker = next(worker for worker in self._workers if worker.work is pending)
        self._take_answer(worker)

    def _hear(self, worker: Worker, report: Reporter) -> CohortResult | None:
        """Take one message from a child; return its result when its cohort is done or lost."""
        if worker.job is None:
            self._take_answer(worker)
            return None
        try:
            message = worker.receive()
        except GONE:
            return self._lost(worker, worker.job)
        if isinstance(message, EpochReport):
            self._answer(worker, message, report(message))
            return None
        job = worker.job
        self._retire(worker)
        if isinstance(message, Refused):
            self._nursery.fork_no_more()
            self.submit(job)
            return None
        result: CohortResult = message
        return result

    def _take_answer(self, worker: Worker) -> None:
        pending = worker.work
        assert pending is not None
        try:
            answer: Returned | Raised | Refused = worker.receive()
        except GONE:
            code = worker.exit_code()
            answer = Raised(LostWorkError(f"The child that was to do the work ended with code {code}."))
        self._retire(worker)
        if isinstance(answer, Refused):
            self._nursery.fork_no_more()
            self._assign(pending)
        else:
            pending.settle(answer)

    def _answer(self, worker: Worker, report: EpochReport, directive: Directive) -> None:
        if report.rung is not None or directive != Directive():
            worker.send(Answer(directive, report.epoch))

    def _lost(self, worker: Worker, job: CohortJob) -> CohortResult:
        code = worker.exit_code()
        before, after = worker.num_oom_kills, num_oom_kills(self._root)
        is_short = before is not None and after is not None and after > before
        sentence = judge(code, worker.watched, self._share.bytes_each, was_memory_short=is_short)
        self._let_go(worker)
        return failed(job, sentence.cause, sentence.message)

    def _retire(self, worker: Worker) -> None:
        """Take a child's work from it, and let it go if it was forked for that: its memory goes with it."""
        is_sentenced = self._release(worker)
        worker.job = worker.work = None
        if is_sentenced or not worker.is_warm:
            self._let_go(worker)

    def _let_go(self, worker: Worker) -> None:
        self._release(worker)
        worker.end()
        worker.job = worker.work = None  # `wait` may have found it ready before.
        self._workers.remove(worker)

    def _release(self, worker: Worker) -> bool:
        """End the guard's watch over a child; return whether it has killed it."""
        watched, worker.watched = worker.watched, None
        if watched is None:
            return False
        self._guard.release(watched)
        return watched.sentence is not None
