"""How much each row moves a score: what turns any metric into a mean over rows, so that resampling is a matrix product.

The influence values of a metric are the derivatives of the score by the weights of the rows (the infinitesimal
jackknife; Efron 1982, chapter 6). A score over rows that are weighted anew is, to first order, the score plus the
weighted mean of these values. For means of row losses (accuracy, mean absolute error, log loss) that is exact; for the
area under the ROC curve it is the decomposition of DeLong et al. 1988.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.tasks.metrics import METRICS
from autokeras_lite.tasks.task import Task, TaskKind

Array = NDArray[Any]
Values = NDArray[np.float64]


def row_influence(task: Task, labels: Array, predictions: Array) -> Values:
    """Return for each row the derivative of the score by the row's weight, times the number of rows; the mean is 0.

    `labels` and `predictions` are those of `autokeras_lite.tasks.metrics.score`. Where the metric is undefined the
    values are 0.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "accuracy", "maximize", (0, 1))
        >>> row_influence(task, np.array([0, 1, 1, 1]), np.array([[0.2], [0.8], [0.1], [0.9]]))
        array([ 0.25,  0.25, -0.75,  0.25])
    """
    truth, given = _columns(task, np.asarray(labels), np.asarray(predictions))
    with np.errstate(over="ignore", invalid="ignore"):
        values = _INFLUENCES[task.metric](task.kind, truth, given)
    return np.asarray(np.nan_to_num(values - values.mean(), nan=0.0, posinf=0.0, neginf=0.0), np.float64)


def _columns(task: Task, labels: Array, predictions: Array) -> tuple[Array, Array]:
    """Return truth and prediction `(rows, columns)`, as the metric compares them."""
    reads = METRICS[task.metric].reads
    if reads == "value":
        return labels.astype(np.float64), predictions.astype(np.float64)
    if task.kind is not TaskKind.MULTICLASS:
        truth = np.equal(labels.reshape(len(labels), -1), 1)
        return truth, predictions >= 0.5 if reads == "label" else predictions
    classes = np.arange(task.units)
    given = np.equal(predictions.argmax(axis=1)[:, None], classes) if reads == "label" else predictions
    return np.equal(labels[:, None], classes), given


# --- read labels ---------------------------------------------------------------------------------


def _accuracy(_kind: TaskKind, truth: Array, given: Array) -> Values:
    return np.asarray((truth == given).all(axis=1), np.float64)


def _balanced_accuracy(kind: TaskKind, truth: Array, given: Array) -> Values:
    if kind is TaskKind.BINARY:
        truth, given = np.hstack([truth, ~truth]), np.hstack([given, ~given])
    present = truth.any(axis=0)
    return np.asarray(_ratio(truth & given, truth)[:, present].mean(axis=1))


def _precision(kind: TaskKind, truth: Array, given: Array) -> Values:
    return np.asarray(_ratio(truth & given, given)[:, _present(kind, truth, given)].mean(axis=1))


def _recall(kind: TaskKind, truth: Array, given: Array) -> Values:
    return np.asarray(_ratio(truth & given, truth)[:, _present(kind, truth, given)].mean(axis=1))


def _f1(kind: TaskKind, truth: Array, given: Array) -> Values:
    parts = 2.0 * (truth & given), truth.astype(np.float64) + given
    return np.asarray(_ratio(*parts)[:, _present(kind, truth, given)].mean(axis=1))


def _present(kind: TaskKind, truth: Array, given: Array) -> NDArray[np.bool_]:
    """Say which columns the metric reads: of a multiclass task those that occur."""
    return np.asarray(truth.any(axis=0) | given.any(axis=0) | (kind is not TaskKind.MULTICLASS))


def _ratio(part: Array, whole: Array) -> Values:
    """Return the influence on the ratio of two sums, for each column; 0 where the ratio is undefined."""
    top, bottom = part.mean(axis=0), whole.mean(axis=0)
    is_defined = bottom > 0
    safe = np.where(is_defined, bottom, 1.0)
    return np.asarray((part - top / safe * whole) / safe * is_defined)


# --- read probabilities --------------------------------------------------------------------------


def _roc_auc(_kind: TaskKind, truth: Array, given: Array) -> Values:
    return _mean_of_defined([_area_under_roc(truth[:, i], given[:, i]) for i in range(truth.shape[1])], len(truth))


def _area_under_roc(truth: Array, given: Array) -> Values | None:
    """Return how often a row stands on the right side of the rows of the other class, over its class's share."""
    if truth.all() or not truth.any():
        return None
    shares = np.empty(len(truth))
    for rows, others, sign in ((truth, ~truth, 1.0), (~truth, truth, -1.0)):
        ordered = np.sort(given[others])
        ranks = np.searchsorted(ordered, given[rows], "left") + np.searchsorted(ordered, given[rows], "right")
        placed = sign * ranks / (2.0 * len(ordered))
        shares[rows] = (placed - placed.mean()) / rows.mean()
    return shares


def _average_precision(_kind: TaskKind, truth: Array, given: Array) -> Values:
    return _mean_of_defined([_precision_sum(truth[:, i], given[:, i]) for i in range(truth.shape[1])], len(truth))


def _precision_sum(truth: Array, given: Array) -> Values | None:
    """Differentiate the mean over positive rows of the precision at their threshold.

    A row counts in the precision at every threshold that it does not fall below; a positive row has a threshold itself.
    """
    if not truth.any():
        return None
    order = np.argsort(-given, kind="stable")
    hit, ordered = truth[order].astype(np.float64), given[order]
    last_of_ties = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    group = np.searchsorted(last_of_ties, np.arange(len(ordered)))
    hits, rows = hit.cumsum()[last_of_ties], last_of_ties + 1.0
    added = np.diff(hits, prepend=0.0)  # positive rows of each threshold
    gain, loss = added / rows, added * hits / rows**2
    below_gain, below_loss = gain[::-1].cumsum()[::-1][group], loss[::-1].cumsum()[::-1][group]
    precision, area = (hits / rows)[group], added @ (hits / rows) / hits[-1]
    values = np.empty(len(truth))
    values[order] = (hit * (precision + below_gain - area) - below_loss) * len(truth) / hits[-1]
    return values


def _log_loss(kind: TaskKind, truth: Array, given: Array) -> Values:
    smallest = np.finfo(given.dtype).eps if np.issubdtype(given.dtype, np.floating) else np.finfo(np.float64).eps
    given = given.astype(np.float64, copy=False)
    of_label = np.where(truth, given, 1.0 - given)
    losses = -np.log(np.clip(of_label, smallest, 1.0 - smallest))
    if kind is TaskKind.MULTICLASS:
        return np.asarray((losses * truth).sum(axis=1))
    return np.asarray(losses.mean(axis=1))


def _mean_of_defined(columns: list[Values | None], rows: int) -> Values:
    defined = [values for values in columns if values is not None]
    return np.mean(defined, axis=0) if defined else np.zeros(rows)


# --- read values ---------------------------------------------------------------------------------


def _rmse(_kind: TaskKind, truth: Array, given: Array) -> Values:
    squares = np.square(truth - given)
    root = np.sqrt(squares.mean(axis=0))
    return np.asarray(((squares - squares.mean(axis=0)) / np.where(root > 0, 2.0 * root, np.inf)).mean(axis=1))


def _mae(_kind: TaskKind, truth: Array, given: Array) -> Values:
    return np.asarray(np.abs(truth - given).mean(axis=1))


def _r2(_kind: TaskKind, truth: Array, given: Array) -> Values:
    left, spread = np.square(truth - given), np.square(truth - truth.mean(axis=0))
    return np.asarray(-_ratio(left, spread).mean(axis=1))


def _rmsle(kind: TaskKind, truth: Array, given: Array) -> Values:
    return _rmse(kind, np.log1p(truth), np.log1p(np.maximum(given, 0.0)))


_INFLUENCES: Mapping[str, Callable[[TaskKind, Array, Array], Values]] = MappingProxyType(
    {
        "accuracy": _accuracy,
        "balanced_accuracy": _balanced_accuracy,
        "roc_auc": _roc_auc,
        "average_precision": _average_precision,
        "f1": _f1,
        "precision": _precision,
        "recall": _recall,
        "log_loss": _log_loss,
        "rmse": _rmse,
        "mae": _mae,
        "r2": _r2,
        "rmsle": _rmsle,
    }
)
