"""Where the model is right and wrong, as tables beside the figures: one line for each class, and the worst rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.outputs import Outputs, predicted_codes, read_outputs
from autokeras_lite.report.wording import one_line, shortened, show_number
from autokeras_lite.report.worst_rows import NOTHING_WORST, WorstRows, find_worst_rows
from autokeras_lite.tasks.task import TaskKind

_MOST_CLASSES = 50
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
class Diagnostics:
    """What is told beside the figures."""

    classes: tuple[ClassScores, ...] = ()
    num_hidden: int = 0
    worst: WorstRows = NOTHING_WORST

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.classes and not self.worst.rows


def describe_diagnostics(facts: Facts) -> Diagnostics:
    """Put together what the validation predictions tell; nothing where there are none."""
    outputs = read_outputs(facts)
    if outputs is None:
        return Diagnostics()
    worst = find_worst_rows(facts, outputs)
    if outputs.kind is TaskKind.REGRESSION:
        return Diagnostics(worst=worst)
    scores = _class_scores(outputs)
    return Diagnostics(scores[:_MOST_CLASSES], max(0, len(scores) - _MOST_CLASSES), worst)


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
