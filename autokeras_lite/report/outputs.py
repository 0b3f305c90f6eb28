"""The predictions of the final model for the rows that judged, as the numbers that pictures are drawn from."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.errors import DataError, TaskError
from autokeras_lite.report.facts import Facts
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tasks.task import TaskKind

_ACTUAL, _PREDICTED = "actual.", "predicted."


@dataclass(frozen=True)
class Outputs:
    """What was predicted beside what was true.

    `labels` are those of `encode_targets`: class codes `(rows,)`, or `(rows, units)` of 0/1 or of values. `given` are
    probabilities `(rows, classes)`, of both classes of a binary task too, or values `(rows, targets)`. `names` are
    those of the columns of `given`, `rows` `(rows,)` the numbers of the rows in the data, from 0. Rows whose prediction
    is not finite are left out.
    """

    kind: TaskKind
    labels: NDArray[Any]
    given: NDArray[np.float64]
    names: tuple[str, ...]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """One yes or no that was asked of every row: `truth` `(rows,)` and the `probability` `(rows,)` that was given."""

    name: str
    truth: NDArray[np.bool_]
    probability: NDArray[np.float64]


def read_outputs(facts: Facts) -> Outputs | None:
    """Take the predictions of a search apart, `None` where there are none, or where they do not fit the task."""
    frame, task = facts.predictions, facts.task
    if frame is None or not len(frame):
        return None
    is_classes = task.kind in (TaskKind.BINARY, TaskKind.MULTICLASS)
    names = tuple(str(name) for name in (task.classes if is_classes else task.targets))
    predicted = [name for name in frame.columns if str(name).startswith(_PREDICTED)]
    if not names or len(predicted) != len(names):
        return None
    with suppress(DataError, TaskError, KeyError, ValueError, TypeError):
        truth = frame[[f"{_ACTUAL}{name}" for name in task.targets]].set_axis(list(task.targets), axis=1)
        labels = encode_targets(task, truth, np.arange(len(frame))).labels
        given = frame[predicted].to_numpy(np.float64)
        kept = np.isfinite(given).all(axis=1)
        rows = frame["row"].to_numpy(np.int64)
        return Outputs(task.kind, labels[kept], given[kept], names, rows[kept]) if kept.any() else None
    return None


def questions(outputs: Outputs, most: int) -> list[Question]:
    """Return the questions that a classification asked: is it the second class, this class, or does this target hold?

    Those with the most rows that say yes come first. A question that all rows answer alike is left out.
    """
    if outputs.kind is TaskKind.REGRESSION:
        return []
    if outputs.kind is TaskKind.BINARY:
        found = [Question(outputs.names[1], outputs.labels == 1, outputs.given[:, 1])]
    elif outputs.kind is TaskKind.MULTICLASS:
        columns = enumerate(outputs.names)
        found = [Question(name, outputs.labels == code, outputs.given[:, code]) for code, name in columns]
    else:
        truth = outputs.labels.astype(bool)
        found = [Question(name, truth[:, n], outputs.given[:, n]) for n, name in enumerate(outputs.names)]
    asked = [question for question in found if 0 < question.truth.sum() < len(question.truth)]
    return sorted(asked, key=lambda question: -int(question.truth.sum()))[:most]


def predicted_codes(outputs: Outputs) -> NDArray[np.intp]:
    """Return the code of the class that wins each row: the second of two from a probability of 0.5 on."""
    if outputs.kind is TaskKind.BINARY:
        return (outputs.given[:, 1] >= 0.5).astype(np.intp)
    return np.asarray(outputs.given.argmax(axis=1), np.intp)


def roc_curve(question: Question) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the false and the true positive rate at each threshold, from none to all, and the area below.

    Source: Fawcett 2006, "An introduction to ROC analysis", algorithms 1 and 2.
    """
    hits, misses = _cumulated(question)
    true_rate, false_rate = np.append(0.0, hits / hits[-1]), np.append(0.0, misses / misses[-1])
    return false_rate, true_rate, float(np.trapezoid(true_rate, false_rate))


def precision_recall_curve(question: Question) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return recall and precision at each threshold, and the average precision: the sum of recall gained x precision.

    Source: scikit-learn's `average_precision_score`, which does not interpolate (Davis and Goadrich 2006).
    """
    hits, misses = _cumulated(question)
    recall, precision = hits / hits[-1], hits / (hits + misses)
    return recall, precision, float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _cumulated(question: Question) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count rows that say yes, and that say no, from the highest probability down; equal ones come at once."""
    order = np.argsort(-question.probability, kind="stable")
    probability, truth = question.probability[order], question.truth[order]
    ends = np.append(np.flatnonzero(np.diff(probability)), len(probability) - 1)
    hits = np.cumsum(truth)[ends].astype(np.float64)
    return hits, (ends + 1.0) - hits


def calibration_bins(
    probability: NDArray[np.float64], truth: NDArray[np.bool_], number: int
) -> list[tuple[float, float, int]]:
    """Return mean probability, share that was true and number of rows, in bins with about as many rows each."""
    order = np.argsort(probability, kind="stable")
    parts: Sequence[NDArray[np.intp]] = np.array_split(order, min(number, len(order)))
    return [(float(probability[rows].mean()), float(truth[rows].mean()), len(rows)) for rows in parts]
