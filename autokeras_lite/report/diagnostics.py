"""Where the model is right and wrong, as tables beside the figures: one line for each class, and the worst rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.figure import show_number
from autokeras_lite.report.outputs import Outputs, predicted_codes, read_outputs
from autokeras_lite.report.wording import one_line, shortened, show_value
from autokeras_lite.tasks.task import TaskKind

_MOST_CLASSES = 50
_WORST = 10
_MOST_LETTERS = 60
_HALF = 0.5


@dataclass(frozen=True)
class ClassScores:
    """How well one class, or one label, is told from the others."""

    name: str
    rows: int
    precision: str
    recall: str
    f1: str


@dataclass(frozen=True)
class WorstRow:
    """A row that the model got most wrong; `amount` says how much, `row` counts the rows of the data from 0."""

    row: int
    actual: str
    predicted: str
    amount: str


@dataclass(frozen=True)
class Diagnostics:
    """What is told beside the figures; `amount` heads the last column of the worst rows."""

    classes: tuple[ClassScores, ...]
    num_hidden: int
    worst: tuple[WorstRow, ...]
    amount: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.classes and not self.worst


def describe_diagnostics(facts: Facts) -> Diagnostics:
    """Put together what the validation predictions tell; nothing where there are none."""
    outputs = read_outputs(facts)
    if outputs is None:
        return Diagnostics((), 0, (), "")
    rows = _row_numbers(facts, len(outputs.given))
    if outputs.kind is TaskKind.REGRESSION:
        return Diagnostics((), 0, _worst_values(outputs, rows), "Error")
    scores = _class_scores(outputs)
    worst = () if outputs.kind is TaskKind.MULTILABEL else _worst_classes(outputs, rows)
    return Diagnostics(scores[:_MOST_CLASSES], max(0, len(scores) - _MOST_CLASSES), worst, "Chance of actual")


def _row_numbers(facts: Facts, expected: int) -> NDArray[np.int64]:
    """Return the numbers of the rows whose predictions are finite, in their order."""
    assert facts.predictions is not None
    predicted = [name for name in facts.predictions if str(name).startswith("predicted.")]
    kept = np.isfinite(facts.predictions[predicted].to_numpy(np.float64)).all(axis=1)
    rows: NDArray[np.int64] = facts.predictions["row"].to_numpy(np.int64)[kept]
    return rows if len(rows) == expected else np.arange(expected, dtype=np.int64)


def _class_scores(outputs: Outputs) -> tuple[ClassScores, ...]:
    """Return a line for each class, the commonest first."""
    made, won = [], None if outputs.kind is TaskKind.MULTILABEL else predicted_codes(outputs)
    for index, name in enumerate(outputs.names):
        if won is None:
            truth, told = outputs.labels[:, index] == 1, outputs.given[:, index] >= _HALF
        else:
            truth, told = outputs.labels.ravel() == index, won == index
        made.append((int(truth.sum()), _scores(name, truth, told)))
    return tuple(scores for _, scores in sorted(made, key=lambda pair: -pair[0]))


def _scores(name: str, truth: NDArray[np.bool_], told: NDArray[np.bool_]) -> ClassScores:
    hits, found, present = int((truth & told).sum()), int(told.sum()), int(truth.sum())
    precision = hits / found if found else None
    recall = hits / present if present else None
    f1 = 2 * hits / (found + present) if found + present else None
    shown = (show_number(value) for value in (precision, recall, f1))
    return ClassScores(shortened(one_line(name), _MOST_LETTERS), present, *shown)


def _worst_classes(outputs: Outputs, rows: NDArray[np.int64]) -> tuple[WorstRow, ...]:
    codes = outputs.labels.ravel().astype(np.intp)
    given = outputs.given[np.arange(len(codes)), codes]
    told = predicted_codes(outputs)
    worst = [place for place in _first(given) if told[place] != codes[place]]
    names = [shortened(one_line(name), _MOST_LETTERS) for name in outputs.names]
    return tuple(
        WorstRow(int(rows[place]), names[codes[place]], names[told[place]], f"{100 * given[place]:.2g} %")
        for place in worst
    )


def _worst_values(outputs: Outputs, rows: NDArray[np.int64]) -> tuple[WorstRow, ...]:
    actual = outputs.labels.reshape(outputs.given.shape)
    missed = np.abs(outputs.given - actual)
    width = np.maximum(actual.std(axis=0), np.finfo(np.float64).tiny)
    order = _first(-(missed / width).max(axis=1))
    return tuple(
        WorstRow(int(rows[place]), _numbers(actual[place]), _numbers(outputs.given[place]), _numbers(missed[place]))
        for place in order
    )


def _first(values: NDArray[np.float64]) -> Sequence[int]:
    return [int(place) for place in np.argsort(values, kind="stable")[:_WORST]]


def _numbers(values: NDArray[np.float64]) -> str:
    return ", ".join(show_value(float(value)) for value in values)
