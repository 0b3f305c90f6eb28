"""What goes on beside the training of trials: baselines in a thread, and an early model file in a child."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from autokeras_lite.artifact.latency import Latency
from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.execution.executor import Executor, Pending
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.course import Course, Finished
from autokeras_lite.search.stop import Stop
from autokeras_lite.trial import Directive, EpochReport

MakeArtifact = Callable[[ArtifactRequest], Manifest]
# With less time than this the early file would cost more of it than it tells.
_FEWEST_SECONDS = 30.0
_PATIENCE_SECONDS = 0.2


class Background(Protocol):
    """Work whose state is looked at between two messages of the children, in the driver's thread."""

    def look(self) -> None:
        """Begin what can begin now, and take what is done."""


class BaselineThread:
    """Fits the baselines in a thread, since scikit-learn lets other threads run while it computes.

    `take` hears them in the driver's thread; `fit` must not take longer than the time that it was given.
    """

    def __init__(self, fit: Callable[[], Sequence[Baseline]], take: Callable[[Sequence[Baseline]], None]) -> None:
        self._fit, self._take = fit, take
        self._fitted: Sequence[Baseline] = ()
        self._error: BaseException | None = None
        self._is_taken = False
        self._thread = threading.Thread(target=self._work, name="autokeras_lite-baselines", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Take the baselines once they are there."""
        if self._thread.is_alive() or self._is_taken:
            return
        self._is_taken = True
        if self._error is not None:
            raise self._error
        self._take(self._fitted)

    def finish(self, go_on: Callable[[], bool]) -> None:
        """Wait for the baselines as long as `go_on` says so; what is not there then is left out."""
        while self._thread.is_alive() and go_on():
            self._thread.join(_PATIENCE_SECONDS)
        self.look()

    def _work(self) -> None:
        try:
            self._fitted = self._fit()
        except BaseException as error:  # noqa: BLE001 - raised again in the driver's thread
            self._error = error


def _go_on(report: EpochReport) -> Directive:
    return Directive()


@dataclass
class EarlyArtifact:
    """Makes the model file of the first trial that comes to a score, beside the trials that follow.

    From then on there is a model, and the clock knows what the last one will take. `trial` is the number of the trial
    whose model it is, once it is there, and `latency` what it takes to predict.
    """

    request: Callable[[Finished], ArtifactRequest]
    course: Course
    executor: Executor
    make: MakeArtifact
    clock: Clock
    stop: Stop
    trial: int | None = None
    latency: Latency | None = None
    _pending: Pending[Manifest] | None = None
    _began: float = 0.0
    _is_over: bool = False

    def look(self) -> None:
        """Begin once there is a trial; take the time when the file is there."""
        left = self.clock.training_seconds_left
        has_time = (left is None or left > _FEWEST_SECONDS) and not self.stop.is_asked
        if self._pending is None and self.course.best is not None and has_time:
            self._began = self.clock.now()
            self._pending = self.executor.start(partial(self.make, self.request(self.course.best)))
        elif self._pending is not None and not self._is_over and self._pending.is_done:
            self.finish()

    def finish(self) -> None:
        """Wait for a file that is being made, as long as there is time to make another."""
        if self._pending is None or self._is_over:
            return
        self._is_over = True
        while not self._pending.is_done:
            left = self.clock.seconds_left
            if left is not None and left < self.clock.fewest_tail_seconds:
                return
            self.executor.wait(_go_on, _PATIENCE_SECONDS)
        try:
            made = self._pending.result()
        except Exception:  # noqa: BLE001 - the last model file says what is wrong, if it is wrong there too
            return
        self.trial, self.latency = made.trial.number, made.latency
        self.clock.expect_artifact(self.clock.now() - self._began)
