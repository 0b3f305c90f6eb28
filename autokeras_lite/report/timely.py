"""Values that follow each other in time: which searches have them, and whether targets are steps of a forecast."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.report.facts import Facts
from autokeras_lite.report.outputs import read_outputs
from autokeras_lite.tasks.task import TaskKind

_ALIKE = 0.5  # correlation of neighbours from which on the order of the rows means something
_SHARE_OF_PAIRS = 0.95
_FEWEST_PAIRS = 5
_NEAR = 1e-4  # of the spread of a target: arrays were rounded to 32 bits

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Timely:
    """Actual and predicted values `(rows, targets)` in the order of time.

    `rows` `(rows,)` are their numbers in the data and `moments` `(rows,)` where they stand on the axis of time: dates,
    numbers or the rows themselves. `num_steps` is the number of steps that are forecast from each row, where target k
    of a row is target 0 of the row k later; else 1.
    """

    actual: Values
    predicted: Values
    names: tuple[str, ...]
    rows: NDArray[np.int64]
    moments: NDArray[Any]
    axis: str
    num_steps: int

    def latest(self, most: int) -> "Timely":
        """Return the last rows, as many as that."""
        if len(self.rows) <= most:
            return self
        actual, predicted, rows = self.actual[-most:], self.predicted[-most:], self.rows[-most:]
        return replace(self, actual=actual, predicted=predicted, rows=rows, moments=self.moments[-most:])


def read_timely(facts: Facts) -> Timely | None:
    """Return the values of a regression in the order of time, `None` where its rows have none."""
    outputs = read_outputs(facts)
    if outputs is None or outputs.kind is not TaskKind.REGRESSION or len(outputs.rows) < _FEWEST_PAIRS + 1:
        return None
    rows, first = np.unique(outputs.rows, return_index=True)  # a row that judged in several repeats is shown once
    actual, predicted = np.asarray(outputs.labels[first], np.float64), outputs.given[first]
    time = None if facts.config is None else facts.config.columns.time
    if time is not None:
        moments = _moments(facts, time, rows)
        if moments is None:
            return None
        order = np.argsort(moments, kind="stable")
        return Timely(actual[order], predicted[order], outputs.names, rows[order], moments[order], time, 1)
    if (facts.profile or {}).get("kind") != str(InputKind.SEQUENCE):
        return None
    num_steps = actual.shape[1] if are_steps(actual, rows) else 1
    if num_steps == 1 and not _neighbours_are_alike(actual[:, 0]):
        return None
    return Timely(actual, predicted, outputs.names, rows, rows, "row of the data", num_steps)


def are_steps(actual: Values, rows: NDArray[np.int64]) -> bool:
    """Say whether each target is the next one a row earlier, as where windows slide over a series.

    Example:
        >>> series = np.sin(np.arange(20.0))
        >>> are_steps(np.column_stack([series[:-2], series[1:-1], series[2:]]), np.arange(18))
        True
    """
    following = np.flatnonzero(np.diff(rows) == 1)
    if actual.shape[1] < 2 or len(following) < _FEWEST_PAIRS:
        return False
    apart = np.abs(actual[following + 1, :-1] - actual[following, 1:]).max(axis=1)
    spread = float(actual.std())
    return spread > 0 and bool((apart <= _NEAR * spread).mean() >= _SHARE_OF_PAIRS)


def _neighbours_are_alike(values: Values) -> bool:
    if values.std() == 0:
        return False
    return bool(np.corrcoef(values[:-1], values[1:])[0, 1] > _ALIKE)


def _moments(facts: Facts, column: str, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    """Return the times of rows, as dates or as numbers; `None` where they are not at hand."""
    frame = None if facts.given is None else facts.given.frame
    if frame is None or column not in frame or int(rows.max()) >= len(frame):
        return None
    times = frame[column].iloc[rows]
    if not pd.api.types.is_numeric_dtype(times):
        times = pd.to_datetime(times, errors="coerce", format="mixed", utc=True).dt.tz_localize(None)
    return None if times.isna().any() else times.to_numpy()
