"""What the commands call: one protocol, the real thing behind it, and nothing heavy until it is called."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from autokeras_lite.config import Execution, SearchOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from autokeras_lite.search.explain import Explanation
    from autokeras_lite.search.observer import Observer
    from autokeras_lite.search.record import SearchSummary


class Result(Protocol):
    """The part of a `SearchResult` that the commands need."""

    @property
    def folder(self) -> Path:
        """Where the search lies."""

    @property
    def summary(self) -> "SearchSummary":
        """What came out of the search."""

    def predict(self, data: Any) -> "pd.DataFrame":
        """Return the predictions for every row, in order."""

    def predict_proba(self, data: Any) -> "pd.DataFrame":
        """Return the probabilities for every row, in order."""

    def evaluate(self, data: Any) -> "pd.DataFrame":
        """Return the columns `metric` and `score`, the search's metric first."""

    def explain(self, data: Any = None, *, seconds: float) -> "Explanation":
        """Say which columns the model goes by, and which hyperparameters mattered."""

    def report(self, output: str | Path | None = None) -> Path:
        """Write everything about the search on one page and return its path."""

    def leaderboard(self) -> "pd.DataFrame":
        """Return a row for each trial, best first."""

    @property
    def trials(self) -> "pd.DataFrame":
        """Every trial in order, with its configuration."""

    def failures(self) -> "pd.DataFrame":
        """Return the columns trial, cause, message, attempts, traceback: a row for each trial that failed."""


class Server(Protocol):
    """A running MLflow UI; `process` is `None` where somebody else runs it."""

    @property
    def process(self) -> object | None:
        """The process that was started."""

    @property
    def start_url(self) -> str:
        """The page to open first."""

    @property
    def best_url(self) -> str | None:
        """The page that sets the best trials beside each other, where there are some."""

    def wait(self) -> None:
        """Wait until it has ended."""

    def stop(self) -> None:
        """End it."""


class Functions(Protocol):
    """Everything that the commands ask of the rest of the program."""

    def search(
        self, data: str, target: list[str] | None, *, observer: "Observer", **options: Unpack[SearchOptions]
    ) -> Result:
        """Search for the best model."""

    def resume(self, folder: Path, *, observer: "Observer") -> Result:
        """Go on with a search where it stopped."""

    def load(self, folder: Path) -> Result:
        """Read what a search has left so far."""

    def trial_lines(self, folder: Path) -> "Iterable[str]":
        """Return every trial of a search as a JSON object, with its curves."""

    def serve_ui(self, runs_dir: str, *, port: int | None, tracking_uri: str | None, name: str | None) -> Server:
        """Start the MLflow UI."""

    def find_device(self) -> str:
        """Start a child as a search does, load TensorFlow in it, and return the device it would train on."""


@dataclass(frozen=True)
class RealFunctions:
    """The functions of the program itself, each imported when it is called.

    A time limit counts from `started`, a reading of `time.monotonic()`, or from the call where there is none.
    """

    started: float | None = None

    def search(
        self, data: str, target: list[str] | None, *, observer: "Observer", **options: Unpack[SearchOptions]
    ) -> Result:
        """Search for the best model."""
        from autokeras_lite.api import search

        return search(data, target, observer=observer, started=self.started, **options)

    def resume(self, folder: Path, *, observer: "Observer") -> Result:
        """Go on with a search where it stopped."""
        from autokeras_lite.api import resume

        return resume(folder, observer=observer, started=self.started)

    def load(self, folder: Path) -> Result:
        """Read what a search has left so far."""
        from autokeras_lite.api import load

        return load(folder)

    def trial_lines(self, folder: Path) -> "Iterable[str]":
        """Return every trial of a search as a JSON object, with its curves."""
        from autokeras_lite.report.export import trial_lines

        return trial_lines(folder)

    def serve_ui(self, runs_dir: str, *, port: int | None, tracking_uri: str | None, name: str | None) -> Server:
        """Start the MLflow UI."""
        from autokeras_lite.tracking.server import serve_ui

        return serve_ui(runs_dir, port=port, tracking_uri=tracking_uri, name=name)

    def find_device(self) -> str:
        """Start a child as a search does, load TensorFlow in it, and return the device it would train on."""
        from autokeras_lite.execution.registry import open_executor

        executor = open_executor(Execution(workers=1))
        try:
            return executor.run(first_device)
        finally:
            executor.close()


def first_device() -> str:
    """Return the device that a model would train on; loads TensorFlow."""
    from autokeras_lite.training.compiled_epoch import device_names

    return device_names()[0]
