"""How good predictions are: the metrics by their scikit-learn names, fast enough to be asked after every epoch.

The values are those of scikit-learn's functions of the same name. They are computed here in plain numpy because a
score is asked for each lane and epoch, where scikit-learn's checks cost more than the numbers.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.errors import TaskError
from autokeras_lite.tasks.task import Task, TaskKind

Array = NDArray[Any]

CLASS_KINDS = frozenset({TaskKind.BINARY, TaskKind.MULTICLASS})
LABEL_KINDS = CLASS_KINDS | {TaskKind.MULTILABEL}
VALUE_KINDS = frozenset({TaskKind.REGRESSION})


@dataclass(frozen=True)
class Metric:
    """One measure of predictions.

    `reads` says what it compares: probabilities, the labels that they lead to, or values. `function(kind, truth,
    given)` takes two arrays `(rows, columns)`: `truth` is boolean (one column for binary, one for each class of a
    multiclass task, one for each target of a multilabel task), `given` is boolean for labels and floating for
    probabilities; both are float64 for values.
    """

    name: str
    direction: Literal["maximize", "minimize"]
    kinds: frozenset[TaskKind]
    reads: Literal["probability", "label", "value"]
    function: Callable[[TaskKind, Array, Array], float]


def score(task: Task, labels: Array, predictions: Array) -> float:
    """Return how good `predictions` `(rows, units)` are for `labels`, in the metric of the task.

    `labels` are those of `EncodedData`: class codes `(rows,)`, or `(rows, units)` of 0/1 or of raw values. Predictions
    are probabilities, or values in the target's own unit. A label is the most probable class, or a probability of at
    least 0.5. The answer is nan where a prediction is not finite, where there are no rows, and where the metric is
    undefined for these labels (`roc_auc` and `average_precision` of one class).

    Means over classes or targets are unweighted. `roc_auc` (one class against the rest) and `average_precision` leave
    out classes and targets that these rows do not have both (or any positive) examples of. `log_loss` of a multilabel
    task is the mean over its targets. `rmsle` reads negative predictions as 0.

    Raises:
        ValueError: the predictions do not have the shape that the task asks for.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
        >>> score(task, np.array([0, 0, 1]), np.array([[0.2], [0.6], [0.4]]))
        0.5
    """
    if predictions.shape != (len(labels), task.units):
        raise ValueError(f"Predictions {predictions.shape} came for {len(labels)} rows and {task.units} units.")
    if not len(labels) or not np.isfinite(predictions).all():
        return math.nan
    metric = METRICS[task.metric]
    truth, given = _compared(task, metric, np.asarray(labels), np.asarray(predictions))
    with np.errstate(over="ignore", invalid="ignore"):
        result = float(metric.function(task.kind, truth, given))
    return result if math.isfinite(result) else math.nan


def choose_metric(kind: TaskKind, name: str | None = None) -> Metric:
    """Return the metric `name`, or the usual one of this kind of task.

    Raises:
        TaskError: there is no such metric, or it does not fit the kind.

    Example:
        >>> choose_metric(TaskKind.REGRESSION).name
        'rmse'
    """
    chosen = DEFAULT_METRICS[kind] if name is None else name
    fitting = [metric.name for metric in METRICS.values() if kind in metric.kinds]
    if chosen in fitting:
        return METRICS[chosen]
    wrong = f"does not fit a {kind} task" if chosen in METRICS else "is unknown"
    near = difflib.get_close_matches(chosen, fitting, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Correct --metric."
    raise TaskError(f"Metric {chosen!r} {wrong}. Expected one of {', '.join(fitting)}. {hint}")


def _compared(task: Task, metric: Metric, labels: Array, predictions: Array) -> tuple[Array, Array]:
    if metric.reads == "value":
        return labels.astype(np.float64, copy=False), predictions.astype(np.float64, copy=False)
    truth = _indicators(task, labels)
    if metric.reads == "probability":
        return truth, predictions if np.issubdtype(predictions.dtype, np.floating) else predictions.astype(np.float64)
    if task.kind is TaskKind.MULTICLASS:
        return truth, _indicators(task, predictions.argmax(axis=1))
    return truth, predictions >= 0.5


def _indicators(task: Task, labels: Array) -> NDArray[np.bool_]:
    """Say for each row and column whether the label holds, `(rows, columns)`."""
    if task.kind is TaskKind.MULTICLASS:
        return np.equal(labels[:, None], np.arange(task.units))
    return np.equal(labels.reshape(len(labels), -1), 1)


# --- read labels ---------------------------------------------------------------------------------


def _accuracy(_kind: TaskKind, truth: Array, given: Array) -> float:
    return float((truth == given).all(axis=1).mean())


def _balanced_accuracy(kind: TaskKind, truth: Array, given: Array) -> float:
    if kind is TaskKind.BINARY:
        truth, given = np.hstack([truth, ~truth]), np.hstack([given, ~given])
    present = truth.any(axis=0)
    return float(_ratio((truth & given).sum(axis=0), truth.sum(axis=0))[present].mean())


def _precision(kind: TaskKind, truth: Array, given: Array) -> float:
    truth, given = _present(kind, truth, given)
    return float(_ratio((truth & given).sum(axis=0), given.sum(axis=0)).mean())


def _recall(kind: TaskKind, truth: Array, given: Array) -> float:
    truth, given = _present(kind, truth, given)
    return float(_ratio((truth & given).sum(axis=0), truth.sum(axis=0)).mean())


def _f1(kind: TaskKind, truth: Array, given: Array) -> float:
    truth, given = _present(kind, truth, given)
    return float(_ratio(2 * (truth & given).sum(axis=0), truth.sum(axis=0) + given.sum(axis=0)).mean())


def _present(kind: TaskKind, truth: Array, given: Array) -> tuple[Array, Array]:
    """Leave out the classes that are neither among the labels nor predicted, as scikit-learn does."""
    if kind is not TaskKind.MULTICLASS:
        return truth, given
    present = truth.any(axis=0) | given.any(axis=0)
    return truth[:, present], given[:, present]


def _ratio(part: Array, whole: Array) -> NDArray[np.float64]:
    """Divide, with 0 for 0 / 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)


# --- read probabilities --------------------------------------------------------------------------


def _roc_auc(_kind: TaskKind, truth: Array, given: Array) -> float:
    return _mean_of_defined(_area_under_roc(truth[:, i], given[:, i]) for i in range(truth.shape[1]))


def _area_under_roc(truth: Array, given: Array) -> float:
    """Return the Mann-Whitney statistic: how often a positive row stands above a negative one, ties counting half."""
    positive, negative = np.sort(given[truth]), np.sort(given[~truth])
    if not positive.size or not negative.size:
        return math.nan
    below = np.searchsorted(negative, positive, side="left").sum()
    not_above = np.searchsorted(negative, positive, side="right").sum()
    return float(below + not_above) / (2.0 * positive.size * negative.size)


def _average_precision(_kind: TaskKind, truth: Array, given: Array) -> float:
    return _mean_of_defined(_precision_over_recall(truth[:, i], given[:, i]) for i in range(truth.shape[1]))


def _precision_over_recall(truth: Array, given: Array) -> float:
    """Sum the precision at each distinct threshold, weighted by the recall that it adds."""
    order = np.argsort(given)[::-1]
    given = given[order]
    last_of_ties = np.append(np.flatnonzero(given[1:] != given[:-1]), len(given) - 1)
    hits = truth[order].cumsum()[last_of_ties]
    if not hits[-1]:
        return math.nan
    precision = hits / (last_of_ties + 1)
    return float(np.diff(hits, prepend=0) @ precision / hits[-1])


def _log_loss(kind: TaskKind, truth: Array, given: Array) -> float:
    smallest = np.finfo(given.dtype).eps
    given = given.astype(np.float64, copy=False)
    of_label = given[truth] if kind is TaskKind.MULTICLASS else np.where(truth, given, 1.0 - given)
    return float(-np.log(np.clip(of_label, smallest, 1.0 - smallest)).mean())


def _mean_of_defined(values: Iterable[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


# --- read values ---------------------------------------------------------------------------------


def _rmse(_kind: TaskKind, truth: Array, given: Array) -> float:
    return float(np.sqrt(np.square(truth - given).mean(axis=0)).mean())


def _mae(_kind: TaskKind, truth: Array, given: Array) -> float:
    return float(np.abs(truth - given).mean())


def _r2(_kind: TaskKind, truth: Array, given: Array) -> float:
    if len(truth) < 2:
        return math.nan
    left = np.square(truth - given).sum(axis=0)
    spread = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    explained = 1.0 - np.divide(left, spread, out=(left > 0).astype(np.float64), where=spread > 0)
    return float(explained.mean())


def _rmsle(kind: TaskKind, truth: Array, given: Array) -> float:
    return _rmse(kind, np.log1p(truth), np.log1p(np.maximum(given, 0.0)))


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("accuracy", "maximize", LABEL_KINDS, "label", _accuracy),
    "balanced_accuracy": Metric("balanced_accuracy", "maximize", CLASS_KINDS, "label", _balanced_accuracy),
    "roc_auc": Metric("roc_auc", "maximize", LABEL_KINDS, "probability", _roc_auc),
    "average_precision": Metric("average_precision", "maximize", LABEL_KINDS, "probability", _average_precision),
    "f1": Metric("f1", "maximize", LABEL_KINDS, "label", _f1),
    "precision": Metric("precision", "maximize", LABEL_KINDS, "label", _precision),
    "recall": Metric("recall", "maximize", LABEL_KINDS, "label", _recall),
    "log_loss": Metric("log_loss", "minimize", LABEL_KINDS, "probability", _log_loss),
    "rmse": Metric("rmse", "minimize", VALUE_KINDS, "value", _rmse),
    "mae": Metric("mae", "minimize", VALUE_KINDS, "value", _mae),
    "r2": Metric("r2", "maximize", VALUE_KINDS, "value", _r2),
    "rmsle": Metric("rmsle", "minimize", VALUE_KINDS, "value", _rmsle),
}

DEFAULT_METRICS: Mapping[TaskKind, str] = {
    TaskKind.BINARY: "roc_auc",
    TaskKind.MULTICLASS: "accuracy",
    TaskKind.MULTILABEL: "average_precision",
    TaskKind.REGRESSION: "rmse",
}
