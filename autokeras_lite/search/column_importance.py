"""Which columns of a table a model goes by: how much worse it judges rows in which a column is shuffled."""

from collections.abc import Callable
from time import monotonic

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.errors import DataError
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task

COLUMNS = ("column", "importance", "low", "high", "repeats")
_MOST_ROWS = 4_096
_FEWEST_ROWS = 500
_MOST_CELLS = 100_000  # of one prediction, of which there are `repeats` for each column
_NUM_DRAWS = 100
_PERCENTILES = (5.0, 95.0)

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]


def column_importance(
    predict: Predict,
    inputs: pd.DataFrame,
    labels: NDArray[np.generic],
    task: Task,
    *,
    repeats: int,
    seed: int,
    seconds: float | None = None,
) -> pd.DataFrame:
    """Measure for each column how much the score drops when the column is shuffled among the rows.

    The result has a row for each column, the most important first: `column`, `importance` (the mean drop over the
    shuffles, in the unit of `task.metric`, positive where the model needs the column, whatever the direction of the
    metric), `low` and `high` (a 90 % percentile interval from a bootstrap of rows and shuffles together, widened to
    hold `importance` where a bootstrap of few rows is off) and `repeats` (how often it was shuffled). At most
    `affordable_rows` of the rows are used, a seeded sample.

    This is what the model does, not what the world does. Of columns that tell the same a model may use either, so each
    of them alone may look unimportant; and shuffling one of them makes rows that never occur.

    Sources: Breiman 2001, "Random Forests", section 10; Fisher, Rudin and Dominici 2019, "All Models are Wrong, but
    Many are Useful", section 3 (the difference form of model reliance).

    Args:
        predict: returns `(rows, units)` for rows: probabilities, or values for a regression.
        inputs: `(rows, columns)`; two columns may have one name.
        labels: see `autokeras_lite.tasks.metrics.score`.
        task: what is asked, with its metric.
        repeats: how often each column is shuffled, unless the time ends it.
        seed: of the sample of rows, the shuffles and the bootstrap.
        seconds: for the shuffles. All columns are shuffled once before one is shuffled twice. When the time is over,
            columns that were not reached are absent.

    Raises:
        DataError: the metric is undefined for these rows.

    Example:
        >>> from autokeras_lite.tasks.task import TaskKind
        >>> task = Task(TaskKind.REGRESSION, ("y",), "mae", "minimize")
        >>> rows = pd.DataFrame({"noise": [5.0, 1.0, 3.0, 0.0] * 9, "cause": [0.0, 2.0, 4.0, 6.0] * 9})
        >>> truth = rows[["cause"]].to_numpy()
        >>> found = column_importance(lambda frame: frame[["cause"]].to_numpy(), rows, truth, task, repeats=3, seed=0)
        >>> list(found["column"]), float(found["importance"][1])
        (['cause', 'noise'], 0.0)
    """
    generator = np.random.default_rng(seed)
    sample = _sample(len(inputs), affordable_rows(*inputs.shape), generator)
    rows, truth = inputs.iloc[sample], labels[sample]
    draws = [np.arange(len(sample)), *generator.integers(0, len(sample), (_NUM_DRAWS, len(sample)))]
    sign = 1.0 if task.direction == "maximize" else -1.0

    def scores(frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the score on all rows, then that of each draw."""
        predictions = predict(frame)
        return np.array([sign * score(task, truth[draw], predictions[draw]) for draw in draws])

    whole = scores(rows)
    if not np.isfinite(whole[0]):
        raise DataError(
            f"{task.metric} is undefined for these {len(rows)} rows. Expected rows of every class. Give other rows."
        )
    drops: list[list[NDArray[np.float64]]] = [[] for _ in inputs]
    end = None if seconds is None else monotonic() + seconds
    for repeat, position in np.ndindex(repeats, inputs.shape[1]):
        if end is not None and monotonic() >= end:
            break
        order = np.random.default_rng([seed, repeat, position]).permutation(len(rows))
        drops[position].append(whole - scores(_shuffled(rows, position, order)))
    found = [_row(name, np.array(drop), seed) for name, drop in zip(inputs, drops, strict=True) if drop]
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def affordable_rows(num_rows: int, num_columns: int) -> int:
    """Return how many rows are used: all up to 4,096, fewer in a wide table, but 500 if there are so many.

    Example:
        >>> affordable_rows(300, 14), affordable_rows(9_000, 14), affordable_rows(9_000, 900)
        (300, 4096, 500)
    """
    return min(num_rows, _MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // max(1, num_columns)))


def _sample(num_rows: int, wanted: int, generator: np.random.Generator) -> NDArray[np.intp]:
    if wanted == num_rows:
        return np.arange(num_rows)
    return np.sort(generator.choice(num_rows, wanted, replace=False))


def _shuffled(rows: pd.DataFrame, position: int, order: NDArray[np.intp]) -> pd.DataFrame:
    """Return the rows with one column in another order; by position, since a name may stand twice."""
    changed = rows.copy()
    changed.isetitem(position, rows.iloc[:, position].array.take(order))
    return changed


def _row(name: object, drops: NDArray[np.float64], seed: int) -> tuple[object, float, float, float, int]:
    """Sum up the drops `(repeats, 1 + draws)` of one column, of which the first ones are those on all rows."""
    repeats, importance = len(drops), float(drops[:, 0].mean())
    chosen = np.random.default_rng([seed, repeats]).integers(0, repeats, (_NUM_DRAWS, repeats))
    means = drops[:, 1:][chosen, np.arange(_NUM_DRAWS)[:, None]].mean(axis=1)
    finite = means[np.isfinite(means)]  # a draw may lack a class
    low, high = np.percentile(finite, _PERCENTILES) if len(finite) else (importance, importance)
    return name, importance, min(float(low), importance), max(float(high), importance), repeats
