"""The Python interface: search for the best model, or load what a search left."""

import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from autokeras_lite.artifact.load import Artifact, load_artifact
from autokeras_lite.config import ColumnRoles, Place, SearchConfig, SearchOptions, as_search_config
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode import raw_inputs
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.gate import drop_unlabelled
from autokeras_lite.data.read import infer_name, read_dataset, read_inputs
from autokeras_lite.errors import ArtifactError, ConfigError
from autokeras_lite.execution.registry import open_executor
from autokeras_lite.report.export import trials_frame
from autokeras_lite.report.notebook import summary_html, watched
from autokeras_lite.search.account import Asked
from autokeras_lite.search.explain import DEFAULT_SECONDS, Explanation, explain_search
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.hold import hold_folder
from autokeras_lite.search.leaderboard import make_failures, make_leaderboard
from autokeras_lite.search.observer import Observer
from autokeras_lite.search.record import SearchSummary, TrackingPlace
from autokeras_lite.search.request import SearchRequest, check_same
from autokeras_lite.search.run import Tools, load_spaces, run_search
from autokeras_lite.search.unfinished import ensure_model, summarise_unfinished
from autokeras_lite.tasks.metrics import METRICS, score
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tracking.open import check_tensorboard, count_waiting, open_tracker, send_files
from autokeras_lite.tracking.tracker import RunFiles

if TYPE_CHECKING:
    import keras
    import plotly.graph_objects

_SECONDS_TO_SEND = 10.0


def search(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    observer: Observer | None = None,
    started: float | None = None,
    **options: Unpack[SearchOptions],
) -> "SearchResult":
    """Find the best Keras model that the data support, within the budget.

    The same call goes on with a search that was interrupted or killed, and returns the recorded result of one that has
    finished. The first Ctrl-C ends the search with the best model so far; the second raises `KeyboardInterrupt`.

    Args:
        data: a path (.csv, .tsv, .parquet, .npz), a DataFrame, or a tuple `(x, y)` of arrays.
        target: the name of the column to predict, or several names; not needed for arrays.
        observer: hears how the search goes on; without one, a notebook shows it where it is called.
        started: the reading of `time.monotonic()` from which a time limit counts; by default that of the call.
        **options: see `autokeras_lite.config.SearchOptions`; `time_limit` ("5m") and `trials` (in total) are the
            budget, 10 minutes if neither is given. `extend=True` gives a search that exists more of it.

    Raises:
        AutokerasLiteError: an option, the data, the task or a space is wrong, no trial came to a score, another
            process works on this search, or the disk is full.
    """
    begin = time.monotonic() if started is None else started
    targets = (target,) if isinstance(target, str) else tuple(target or ())
    config = as_search_config(options, name=infer_name(data, targets), targets=targets)
    test, extend = options.get("test"), options.get("extend", False)
    with watched(observer) as watcher:
        return _search(_Call(data, test, config, extend=extend), watcher, begin)


def resume(folder: str | Path, *, observer: Observer | None = None, started: float | None = None) -> "SearchResult":
    """Go on with a search that was interrupted or killed, and return its result; of a finished one, the recorded one.

    Raises:
        ArtifactError: there is no search in the folder.
        ConfigError: the search was made from data in memory, or a password is needed again: call `search` as before.
        AutokerasLiteError: as `search`.
    """
    begin, path = time.monotonic() if started is None else started, Path(folder).expanduser().absolute()
    with watched(observer) as watcher:
        return _resume(path, watcher, begin)


def _resume(path: Path, watcher: Observer, begin: float) -> "SearchResult":
    request = SearchFolder(path).read_request()
    if request is None:
        raise ArtifactError(
            f"There is no search in {path}. Expected the folder of a search. Name another one, or give its --runs-dir."
        )
    if _is_finished(SearchFolder(path)):
        with hold_folder(path):
            return _recorded(_Call(request.data, None, request.to_config(path), extend=False), watcher)
    if request.data is None:
        raise ConfigError(
            f"The search {path.name!r} was made from data in memory. Expected them again. "
            "Call `search` with the same data, options and name: it goes on."
        )
    call = _Call(request.data, request.test, request.to_config(path), extend=False)
    return _search(call, watcher, begin)


def load(folder: str | Path) -> "SearchResult":
    """Load what a search left in its folder, for example `autokeras_lite_runs/adult`.

    Of a search that was killed, or still runs, it is the best model so far.

    Raises:
        ArtifactError: there is no search, or none of its trials has come to a score.
    """
    result = SearchResult(Path(folder).expanduser().absolute())
    result.summary  # noqa: B018 - reads the record, and so refuses a wrong folder now and not at the first use
    return result


@dataclass(frozen=True)
class _Call:
    """One call of `search`."""

    data: Any
    test: Any
    config: SearchConfig
    extend: bool


def _search(call: _Call, observer: Observer, started: float) -> "SearchResult":
    config, folder = call.config, SearchFolder(call.config.place.folder)
    check_tensorboard(config.place)
    spaces = load_spaces(config.strategy.spaces)
    given = read_dataset(call.data, config.columns, name=config.place.name)
    content = fingerprint(drop_unlabelled(given)[0])
    request = SearchRequest.of(config, content, data=call.data, test=call.test)
    with hold_folder(folder.path):
        earlier, notes = folder.read_request(), tuple[str, ...]()
        if earlier is not None:
            notes = check_same(earlier, request, extend=call.extend)
            request = replace(request, uid=earlier.uid, test=request.test or earlier.test, cores=earlier.cores)
            if _is_finished(folder) and earlier.has_budget_of(request):
                return _recorded(call, observer)
        with closing(open_executor(config.execution)) as executor:
            tools = Tools(executor, partial(open_tracker, config.place), observer, started)
            run_search(given, Asked(config, request, notes, call.test), spaces, folder, tools)
        _write_report(folder, config, observer)
    return SearchResult(folder.path)


def _write_report(folder: SearchFolder, config: SearchConfig, observer: Observer) -> None:
    """Write the report of a search that came to its end, if there is time for it."""
    summary = folder.read_summary()
    if config.place.report and summary is not None and not summary.stopped:
        from autokeras_lite.report.ending import write_at_the_end

        write_at_the_end(folder.path, config.budget, folder.read_seconds(), observer.note)
        _send_report(folder, config)


def _send_report(folder: SearchFolder, config: SearchConfig) -> None:
    """Keep the report and the card with the run of the search; what is not taken in time waits in the outbox."""
    from autokeras_lite.report.model_card import MODEL_CARD_FILE
    from autokeras_lite.report.page import REPORT_FILE

    files = tuple(file for name in (REPORT_FILE, MODEL_CARD_FILE) if (file := folder.path / name).is_file())
    request, limit = folder.read_request(), config.budget.seconds
    left = _SECONDS_TO_SEND if limit is None else min(_SECONDS_TO_SEND, max(0.0, limit - folder.read_seconds() - 1.0))
    if files and request is not None:
        send_files(config.place, RunFiles(config.place.name, request.uid, files), left)


def _is_finished(folder: SearchFolder) -> bool:
    """Say whether a search has spent its budget; a damaged record counts as none, since the journal makes it anew."""
    with suppress(ArtifactError):
        summary = folder.read_summary()
        return summary is not None and not summary.stopped
    return False


def _recorded(call: _Call, observer: Observer) -> "SearchResult":
    """Return the result of a finished search; what its tracking server lacks is sent now."""
    result = SearchResult(call.config.place.folder)
    observer.note("This search had finished already: its recorded result is shown and nothing was trained.")
    if count_waiting(call.config.place):
        result = _send(result, call.config.place, observer)
    if call.test is None or result.summary.best is None or result.summary.best.test_score is not None:
        return result
    return result.with_test_score(call.test)


def _send(result: "SearchResult", place: Place, observer: Observer) -> "SearchResult":
    """Send what waits for the tracking server, and write down what is left."""
    tracker = open_tracker(place)
    left, link = tracker.close(_SECONDS_TO_SEND), tracker.link
    told = f"{left} records still wait" if left else "What waited was sent"
    observer.note(f"{told} to {'be sent to ' if left else ''}{link.uri}.")
    kept = result.summary.tracking
    ids = TrackingPlace(link.uri, link.experiment_id or kept.experiment_id, link.run_id or kept.run_id)
    SearchFolder(result.folder).write_summary(replace(result.summary, tracking=ids, unsent=left))
    return SearchResult(result.folder)


@dataclass(frozen=True)
class SearchResult:
    """What a search left: the best model, and the record of everything that was tried."""

    folder: Path

    @cached_property
    def summary(self) -> SearchSummary:
        """The record in plain values; of a search that has not ended, as it stands now."""
        return _current_record(SearchFolder(self.folder))

    @property
    def name(self) -> str:
        """The name of the search."""
        return self.summary.name

    @cached_property
    def artifact(self) -> Artifact:
        """The best model with its manifest.

        Raises:
            ArtifactError: no trial has come to a score, or the files are damaged.
        """
        folder = SearchFolder(self.folder)
        summary = _current_record(folder)  # the search may have come to its end since `summary` was read
        if summary.best is None:
            raise ArtifactError(f"The search {summary.name!r} has no model. {summary.verdict}")
        if summary.stopped == "unfinished":
            return load_artifact(ensure_model(folder, summary.best.trial))
        return load_artifact(folder.artifact)

    @property
    def model(self) -> "keras.Model":
        """The best Keras model. It takes raw columns: call it, or its `predict_on_batch`, with `raw_inputs(rows)`.

        (Keras's own `predict` reads numbers as float32 and takes no texts; `SearchResult.predict` has neither limit.)
        """
        return self.artifact.model

    def raw_inputs(self, data: Any) -> dict[str, Any]:
        """Return what `model` takes for rows: for each column of a table a float64 or text array `(rows, 1)`."""
        return raw_inputs(self.artifact.manifest.encoding, self._inputs(data))

    def predict(self, data: Any) -> pd.DataFrame:
        """Predict labels or values for rows: a frame, an array or a path; other columns than the inputs do not matter.

        The index is that of the frame.

        Raises:
            ArtifactError: columns are missing.
        """
        return _indexed(self.artifact.predict(self._inputs(data)), data)

    def predict_proba(self, data: Any) -> pd.DataFrame:
        """Predict the probability of each class, one column for each.

        Raises:
            TaskError: a regression has no classes.
        """
        return _indexed(self.artifact.predict_proba(self._inputs(data)), data)

    def evaluate(self, data: Any) -> pd.DataFrame:
        """Score labelled rows in every metric that fits the task, the one that was searched for first."""
        task, kind = self.artifact.manifest.task, self.artifact.manifest.encoding.kind
        columns = ColumnRoles(task.targets if kind is InputKind.TABLE and not isinstance(data, tuple) else ())
        texts = self.artifact.manifest.encoding.text_columns
        rows, _ = drop_unlabelled(read_dataset(data, columns, name=self.name, kind=kind, text_columns=texts))
        targets = rows.targets.set_axis(list(task.targets), axis=1)
        labels = encode_targets(task, targets, np.arange(len(rows))).labels
        predictions = self.artifact.predict_units(rows.inputs)
        names = [task.metric, *(name for name in METRICS if name != task.metric and task.kind in METRICS[name].kinds)]
        scores = [score(replace(task, metric=name), labels, predictions) for name in names]
        return pd.DataFrame({"metric": names, "score": scores})

    def explain(self, data: Any = None, *, seconds: float = DEFAULT_SECONDS) -> Explanation:
        """Say which columns the best model goes by, and which hyperparameters decided how good trials were.

        Columns are shuffled among the validation rows, which are read from the file that was searched; give `data`
        (the same rows, or other labelled ones) where that file is gone, or where the search was made from memory.
        What cannot be said is left out and told in `notes`. Also writes `explanation.json` to the folder.

        Args:
            data: labelled rows; all of them judge where they are not those of the search.
            seconds: for the columns of a wide table, or of a large model.

        Raises:
            ArtifactError: no trial has come to a score, or `data` lack columns.
            DataError: `data` cannot be read, or lack a target.
        """
        return explain_search(SearchFolder(self.folder), self.artifact, data, seconds=seconds)

    def with_test_score(self, data: Any) -> "SearchResult":
        """Score labelled rows and write the score into the record as the test score, in place of an earlier one."""
        tested = float(self.evaluate(data)["score"].iloc[0])
        folder = SearchFolder(self.folder)
        summary = _current_record(folder)
        if summary.best is not None and summary.stopped != "unfinished":
            folder.write_summary(replace(summary, best=replace(summary.best, test_score=tested)))
        return SearchResult(self.folder)

    def leaderboard(self) -> pd.DataFrame:
        """Return every trial, best first."""
        return make_leaderboard(SearchFolder(self.folder).read_trials(), self.summary.direction)

    def failures(self) -> pd.DataFrame:
        """Return every trial that failed: `trial`, `cause`, `message`, `attempts`, `traceback` (a path, or empty)."""
        folder = SearchFolder(self.folder)
        return make_failures(folder.read_trials(), folder)

    def report(self, output: str | Path | None = None) -> Path:
        """Write everything about the search on one HTML page, `report.html` in its folder, and return its path.

        The page needs no network and no server. `MODEL_CARD.md` is written beside it; with `output`, another path for
        the page, it is not.

        Raises:
            StorageError: a file cannot be written.
        """
        from autokeras_lite.report.ending import write_both
        from autokeras_lite.report.page import write_report  # loads jinja2

        return write_both(self.folder) if output is None else write_report(self.folder, output)

    @property
    def trials(self) -> pd.DataFrame:
        """Every trial in the order of the trials, as `export` writes it: how it ended, `structure.*` and `recipe.*`."""
        return trials_frame(self.folder)

    def plot(self, kind: str, *, theme: str = "light") -> "plotly.graph_objects.Figure":
        """Draw a picture of the search, one of `autokeras_lite.report.figures.FIGURES` (`history`, `confusion`, ...).

        Raises:
            ConfigError: there is no such picture, or it does not apply to this search.
        """
        from autokeras_lite.report.figures import plot_search

        return plot_search(self.folder, kind, theme)

    def _repr_html_(self) -> str:
        return summary_html(self.summary, self.leaderboard())

    def __repr__(self) -> str:
        best = self.summary.best
        if best is None:
            return f"<SearchResult {self.name!r}: no model, in {self.folder}>"
        return (
            f"<SearchResult {self.name!r}: {self.summary.metric} {best.validation_score:.4f} "
            f"by trial {best.trial} ({best.family}) in {self.folder}>"
        )

    def _inputs(self, data: Any) -> Any:
        encoding = self.artifact.manifest.encoding
        return read_inputs(data, kind=encoding.kind, text_columns=encoding.text_columns)


def _current_record(folder: SearchFolder) -> SearchSummary:
    return folder.read_summary() or summarise_unfinished(folder)


def _indexed(predictions: pd.DataFrame, data: Any) -> pd.DataFrame:
    return predictions.set_axis(data.index, axis=0) if isinstance(data, pd.DataFrame) else predictions
