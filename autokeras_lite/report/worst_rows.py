"""The rows that the model got most wrong, with what stood in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.report.facts import Facts
from autokeras_lite.report.outputs import Outputs, predicted_codes, read_outputs
from autokeras_lite.report.thumbnails import lines_of, picture_of, text_of
from autokeras_lite.report.timely import Values, are_steps
from autokeras_lite.report.wording import one_line, shortened, show_value
from autokeras_lite.tasks.task import TaskKind

_WORST = 10
_MOST_PICTURES = 20
_MOST_LETTERS = 60
_FIRST, _OR = "Look at these first: often", "or something is missing that a person would know."
_INPUTS: Mapping[str, str] = MappingProxyType(
    {
        InputKind.TABLE: "What stood in it",
        InputKind.SEQUENCE: "Its first channels",
        InputKind.TOKENS: "Its tokens, as given",
    }
)


@dataclass(frozen=True)
class WorstRow:
    """A row that the model got most wrong.

    `row` counts the rows of the data from 0, `amount` says how wrong it is, and `target` in what, where there are
    several. `text`, `picture` (the address of an image) and `lines` (paths of an SVG) show its inputs; what does not
    apply to them, or is not at hand, is empty.
    """

    row: int
    actual: str
    predicted: str
    amount: str
    target: str = ""
    text: str = ""
    picture: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorstRows:
    """The worst rows, the worst first; `amount` heads how wrong they are, `inputs` what is seen of them."""

    rows: tuple[WorstRow, ...] = ()
    amount: str = ""
    advice: str = ""
    inputs: str = ""

    @property
    def has_pictures(self) -> bool:
        """Whether they are images."""
        return any(row.picture for row in self.rows)

    @property
    def has_inputs(self) -> bool:
        """Whether there is something to see of what stood in them."""
        return any(row.text or row.lines for row in self.rows)

    @property
    def has_targets(self) -> bool:
        """Whether each says which target it is about."""
        return any(row.target for row in self.rows)


NOTHING_WORST = WorstRows()


def find_worst_rows(facts: Facts, outputs: Outputs) -> WorstRows:
    """Return what the model got most wrong; nothing for several labels."""
    if outputs.kind is TaskKind.MULTILABEL:
        return NOTHING_WORST
    inputs = "" if facts.given is None else _INPUTS.get(facts.given.kind, "")
    if outputs.kind is TaskKind.REGRESSION:
        return WorstRows(
            _worst_values(facts, outputs), "Error", f"{_FIRST} a value was written down wrongly, {_OR}", inputs
        )
    return WorstRows(_worst_classes(facts, outputs), "Chance of actual", f"{_FIRST} the label is wrong, {_OR}", inputs)


def show_examples(facts: Facts) -> tuple[WorstRow, ...]:
    """Return a row of each class that can be looked at, as long as they are images; of other tasks the first rows."""
    outputs, given = read_outputs(facts), facts.given
    if outputs is None or given is None or given.kind != InputKind.IMAGE:
        return ()
    if outputs.kind in (TaskKind.BINARY, TaskKind.MULTICLASS):
        codes = outputs.labels.ravel().astype(np.intp)
        places = [int(np.flatnonzero(codes == code)[0]) for code in np.unique(codes)[:_MOST_PICTURES]]
        names = [shortened(one_line(outputs.names[codes[place]]), _MOST_LETTERS) for place in places]
    else:
        places = list(range(min(_WORST, len(outputs.rows))))
        actual = np.asarray(outputs.labels, np.float64).reshape(outputs.given.shape)
        names = [", ".join(show_value(float(value)) for value in actual[place]) for place in places]
    shown = zip((int(outputs.rows[place]) for place in places), names, strict=True)
    return tuple(WorstRow(row, name, "", "", picture=picture_of(given, row)) for row, name in shown)


def _worst_classes(facts: Facts, outputs: Outputs) -> tuple[WorstRow, ...]:
    codes, told = outputs.labels.ravel().astype(np.intp), predicted_codes(outputs)
    given = outputs.given[np.arange(len(codes)), codes]
    wrong = [int(place) for place in np.argsort(given, kind="stable") if told[place] != codes[place]]
    names = [shortened(one_line(name), _MOST_LETTERS) for name in outputs.names]
    return tuple(
        WorstRow(
            int(outputs.rows[place]),
            names[codes[place]],
            names[told[place]],
            f"{100 * given[place]:.2g} %",
            **_inputs(facts, int(outputs.rows[place])),
        )
        for place in _without_repeats(wrong, outputs.rows, 1)[: _most(facts)]
    )


def _worst_values(facts: Facts, outputs: Outputs) -> tuple[WorstRow, ...]:
    """Return rows by their worst target, in standard deviations of that target; of windows that overlap only one."""
    actual: Values = np.asarray(outputs.labels, np.float64).reshape(outputs.given.shape)
    missed = np.abs(outputs.given - actual)
    relative = missed / np.maximum(actual.std(axis=0), np.finfo(np.float64).tiny)
    order = [int(place) for place in np.argsort(-relative.max(axis=1), kind="stable")]
    width = len(outputs.names) if are_steps(actual, outputs.rows) else 1
    return tuple(
        WorstRow(
            int(outputs.rows[place]),
            show_value(float(actual[place, target])),
            show_value(float(outputs.given[place, target])),
            show_value(float(missed[place, target])),
            shortened(one_line(outputs.names[target]), _MOST_LETTERS) if len(outputs.names) > 1 else "",
            **_inputs(facts, int(outputs.rows[place])),
        )
        for place in _without_repeats(order, outputs.rows, width)[: _most(facts)]
        for target in [int(relative[place].argmax())]
    )


def _without_repeats(order: Sequence[int], rows: NDArray[np.int64], width: int) -> list[int]:
    """Keep, of rows that are nearer than `width`, the worst one: they tell of the same."""
    kept = list[int]()
    for place in order:
        if all(abs(int(rows[place]) - int(rows[other])) >= width for other in kept):
            kept.append(place)
        if len(kept) == _MOST_PICTURES:
            break
    return kept


def _most(facts: Facts) -> int:
    given = facts.given
    return _MOST_PICTURES if given is not None and given.kind == InputKind.IMAGE else _WORST


def _inputs(facts: Facts, row: int) -> dict[str, Any]:
    told = (facts.explanation or {}).get("columns", ())
    first = [str(record.get("column")) for record in told if isinstance(record, dict)]
    given = facts.given
    return {"text": text_of(given, row, first), "picture": picture_of(given, row), "lines": lines_of(given, row)}
