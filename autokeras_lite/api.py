"""The Python interface: search for the best model, or load what a search left."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from autokeras_lite.artifact.load import Artifact, load_artifact
from autokeras_lite.config import ColumnRoles, SearchConfig, SearchOptions, as_search_config
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode import raw_inputs
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.gate import drop_unlabelled
from autokeras_lite.data.read import infer_name, read_dataset, read_inputs
from autokeras_lite.errors import ConfigError
from autokeras_lite.execution.registry import open_executor
from autokeras_lite.search.account import config_to_keep
from autokeras_lite.search.folder import SearchFolder, find_finished, write_json
from autokeras_lite.search.leaderboard import make_leaderboard
from autokeras_lite.search.observer import Observer, SilentObserver
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.search.run import Tools, load_spaces, run_search
from autokeras_lite.tasks.metrics import METRICS, score
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tracking.open import open_tracker

if TYPE_CHECKING:
    import keras


def search(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    observer: Observer | None = None,
    **options: Unpack[SearchOptions],
) -> "SearchResult":
    """Find the best Keras model that the data support, within the budget.

    Args:
        data: a path (.csv, .tsv, .parquet, .npz), a DataFrame, or a tuple `(x, y)` of arrays.
        target: the name of the column to predict, or several names; not needed for arrays.
        observer: hears how the search goes on.
        **options: see `autokeras_lite.config.SearchOptions`; `time_limit` ("5m") and `trials` (in total) are the
            budget, 10 minutes if neither is given.

    Raises:
        AutokerasLiteError: an option, the data, the task or a space is wrong, or no trial came to a score.
    """
    started, watcher = time.monotonic(), observer or SilentObserver()
    targets = (target,) if isinstance(target, str) else tuple(target or ())
    config = as_search_config(options, name=infer_name(data, targets), targets=targets)
    spaces = load_spaces(config.strategy.spaces)
    finished = find_finished(config.place.folder, config_to_keep(config))
    if finished is not None:
        result = _recorded(finished, data, config, watcher)
        return result if options.get("test") is None else result.with_test_score(options["test"])
    with closing(open_executor(config.execution)) as executor:
        tracker = open_tracker(config.place)
        try:
            folder = run_search(data, config, spaces, Tools(executor, tracker, watcher, started), options.get("test"))
        finally:
            tracker.close(0.0)  # for what was refused before anything was recorded; a second time does nothing
    return SearchResult(folder.path)


def load(folder: str | Path) -> "SearchResult":
    """Load what a search left in its folder, for example `autokeras_lite_runs/adult`.

    Raises:
        ArtifactError: there is no finished search.
    """
    result = SearchResult(Path(folder).expanduser().absolute())
    result.summary  # noqa: B018 - reads the record, and so refuses a wrong folder now and not at the first use
    return result


@dataclass(frozen=True)
class SearchResult:
    """What a search left: the best model, and the record of everything that was tried."""

    folder: Path

    @cached_property
    def summary(self) -> SearchSummary:
        """The record in plain values."""
        return SearchFolder(self.folder).read_summary()

    @property
    def name(self) -> str:
        """The name of the search."""
        return self.summary.name

    @cached_property
    def artifact(self) -> Artifact:
        """The best model with its manifest."""
        return load_artifact(SearchFolder(self.folder).artifact)

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

    def with_test_score(self, data: Any) -> "SearchResult":
        """Score labelled rows and write the score into the record as the test score, in place of an earlier one."""
        tested = float(self.evaluate(data)["score"].iloc[0])
        summary = replace(self.summary, best=replace(self.summary.best, test_score=tested))
        write_json(SearchFolder(self.folder).summary, summary.to_json())
        return SearchResult(self.folder)

    def leaderboard(self) -> pd.DataFrame:
        """Return every trial, best first."""
        return make_leaderboard(SearchFolder(self.folder).read_trials(), self.summary.direction)

    def __repr__(self) -> str:
        best = self.summary.best
        return (
            f"<SearchResult {self.name!r}: {self.summary.metric} {best.validation_score:.4f} "
            f"by trial {best.trial} ({best.family}) in {self.folder}>"
        )

    def _inputs(self, data: Any) -> Any:
        encoding = self.artifact.manifest.encoding
        return read_inputs(data, kind=encoding.kind, text_columns=encoding.text_columns)


def _indexed(predictions: pd.DataFrame, data: Any) -> pd.DataFrame:
    return predictions.set_axis(data.index, axis=0) if isinstance(data, pd.DataFrame) else predictions


def _recorded(folder: SearchFolder, data: Any, config: SearchConfig, observer: Observer) -> SearchResult:
    """Return the result of a finished search that is asked for again, if the data are still the same."""
    now = fingerprint(read_dataset(data, config.columns, name=config.place.name))
    if now != folder.fingerprint:
        raise ConfigError(
            f"A search named {config.place.name!r} was made from other data. Expected the same data or a new name. "
            "Choose another --name."
        )
    observer.note("This search had finished already: its recorded result is shown and nothing was trained.")
    return SearchResult(folder.path)
