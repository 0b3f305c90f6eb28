"""Targets as the numbers that a model is trained on, and predictions back as the person's labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.errors import DataError, TaskError
from autokeras_lite.tasks.target_column import as_numbers
from autokeras_lite.tasks.task import Task, TaskKind


@dataclass(frozen=True)
class EncodedTargets:
    """The targets of all rows as numbers.

    `labels` is what the metric compares and `values` `(rows, units)` what the loss compares: see `EncodedData.labels`
    and `EncodedFold.targets`. For regression `labels = values * scale + center`, with `center` and `scale` `(units,)`;
    they are 0 and 1 otherwise.
    """

    labels: NDArray[Any]
    values: NDArray[np.float32]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]


def encode_targets(task: Task, targets: pd.DataFrame, rows: NDArray[np.integer]) -> EncodedTargets:
    """Encode the targets of all rows; a regression is standardised by the mean and the deviation of `rows` alone.

    Raises:
        DataError: a target column or a value is missing, a class is unknown to the task, or a value is infinite.
        TaskError: a regression target holds something that is no number.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", ("no", "yes"))
        >>> encode_targets(task, pd.DataFrame({"y": ["yes", "no"]}), np.arange(2)).labels
        array([1, 0])
    """
    _check_complete(task, targets)
    center, scale = np.zeros(task.units), np.ones(task.units)
    values: NDArray[Any]
    if task.kind is TaskKind.REGRESSION:
        labels: NDArray[Any] = np.column_stack([as_numbers(targets[name]) for name in task.targets])
        center, scale = _center_and_scale(labels[rows])
        largest = np.finfo(np.float32).max
        values = np.clip((labels - center) / scale, -largest, largest)
    elif task.kind is TaskKind.MULTILABEL:
        labels = np.column_stack([_flags(targets[name]) for name in task.targets])
        values = labels
    else:
        labels = _class_codes(task, targets[task.targets[0]])
        is_binary = task.kind is TaskKind.BINARY
        values = labels[:, None] if is_binary else np.equal(labels[:, None], np.arange(task.units))
    return EncodedTargets(labels, values.astype(np.float32), center, scale)


def decode_labels(task: Task, predictions: NDArray[Any]) -> pd.DataFrame:
    """Return the predicted classes, 0/1 or values of `predictions` `(rows, units)`, one column for each target.

    Classes have the type that they had in the training targets; a class wins with the highest probability, and the
    second of two classes from a probability of 0.5 on.
    """
    if task.kind is TaskKind.REGRESSION:
        return pd.DataFrame(predictions, columns=list(task.targets))
    if task.kind is TaskKind.MULTILABEL:
        return pd.DataFrame((predictions >= 0.5).astype(np.int64), columns=list(task.targets))
    is_binary = task.kind is TaskKind.BINARY
    codes = (predictions[:, 0] >= 0.5).astype(np.intp) if is_binary else predictions.argmax(axis=1)
    return pd.DataFrame({task.targets[0]: pd.Series(list(task.classes)).take(codes).reset_index(drop=True)})


def decode_probabilities(task: Task, predictions: NDArray[Any]) -> pd.DataFrame:
    """Return the probabilities of `predictions` `(rows, units)`, one column for each class or each multilabel target.

    Raises:
        TaskError: a regression has no probabilities.
    """
    if task.kind is TaskKind.REGRESSION:
        raise TaskError("Probabilities were asked of a regression. Expected a classification. Ask for values instead.")
    if task.kind is TaskKind.MULTILABEL:
        return pd.DataFrame(predictions, columns=list(task.targets))
    both = np.hstack([1 - predictions, predictions]) if task.kind is TaskKind.BINARY else predictions
    return pd.DataFrame(both, columns=[str(label) for label in task.classes])


def class_weights(task: Task, labels: NDArray[Any], rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return a weight for each of `labels` `(rows,)` that makes every class count the same among `rows`.

    The weight is `n / (k * count)` as in scikit-learn's "balanced", with n, k and the counts taken from `rows`. Classes
    that `rows` do not have weigh 1.

    Raises:
        TaskError: the task has no class target.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", ("no", "yes"))
        >>> class_weights(task, np.array([0, 0, 0, 1]), np.arange(4)).round(2).tolist()
        [0.6700000166893005, 0.6700000166893005, 0.6700000166893005, 2.0]
    """
    if task.kind not in (TaskKind.BINARY, TaskKind.MULTICLASS):
        raise TaskError(
            f"Class weights were asked for a {task.kind} task. Expected a binary or multiclass task. Leave out "
            "--class-weight, or give a column with --weight."
        )
    counts = np.bincount(labels[rows], minlength=len(task.classes))
    weights: NDArray[np.float32] = np.ones(len(counts), dtype=np.float32)
    weights[counts > 0] = len(rows) / (np.count_nonzero(counts) * counts[counts > 0])
    return weights.take(labels)


def _check_complete(task: Task, targets: pd.DataFrame) -> None:
    for name in task.targets:
        if name not in targets.columns:
            raise DataError(f"Target {name!r} is not among the columns. Expected it, to compare with. Add the column.")
        missing = int(targets[name].isna().sum())
        if missing:
            raise DataError(
                f"Target {name!r} is missing in {missing} of {len(targets)} rows. Expected a value in each. Remove "
                "those rows."
            )


def _center_and_scale(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    deviation = values.std(axis=0)
    # The deviation of equal values may come out as rounding noise, that of tiny values as 0: neither divides.
    varies = (values.max(axis=0) > values.min(axis=0)) & (deviation > 0)
    return values.mean(axis=0), np.where(varies, deviation, 1.0)


def _class_codes(task: Task, target: pd.Series) -> NDArray[np.int64]:
    """Return the place of each row's class; 1, 1.0 and "1" are one class, as files differ in how they write it."""
    codes, distinct = pd.factorize(target)
    exact = {label: code for code, label in enumerate(task.classes)}
    by_text = {str(label): code for code, label in enumerate(task.classes)}
    table = [exact.get(value, by_text.get(str(value), -1)) for value in distinct.tolist()]
    if -1 in table:
        unknown = distinct.tolist()[table.index(-1)]
        known = ", ".join(repr(label) for label in task.classes[:4])
        raise DataError(
            f"Target {target.name!r} holds the class {str(unknown)[:40]!r}, which training never had. Expected one of "
            f"{known}{', ...' if len(task.classes) > 4 else ''}. Correct or remove those rows."
        )
    return np.array(table, dtype=np.int64)[codes]


def _flags(target: pd.Series) -> NDArray[np.int64]:
    numbers = as_numbers(target)
    wrong = (numbers != 0) & (numbers != 1)
    if wrong.any():
        raise DataError(
            f"Target {target.name!r} holds {numbers[wrong][0]:g}. Expected only 0 and 1. Correct or remove those rows."
        )
    return numbers.astype(np.int64)
