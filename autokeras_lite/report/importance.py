"""What mattered, in the report: columns and hyperparameters as `explain` measured them last."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from autokeras_lite.report.commands import is_table
from autokeras_lite.report.facts import Facts
from autokeras_lite.report.wording import show_number

_MOST_ROWS = 50
_PLURALS = MappingProxyType({"image": "images", "sequence": "sequences"})


@dataclass(frozen=True)
class ImportanceRow:
    """One column or hyperparameter; `percent` is for its bar, of the most important one."""

    name: str
    importance: str
    note: str
    percent: float


@dataclass(frozen=True)
class Importance:
    """What mattered. Without rows `notes` say why, or nobody has asked; `inputs` names those that have no columns."""

    columns: tuple[ImportanceRow, ...]
    parameters: tuple[tuple[str, tuple[ImportanceRow, ...]], ...]
    notes: tuple[str, ...]
    num_hidden: int
    is_measured: bool
    inputs: str = ""


def describe_importance(facts: Facts) -> Importance:
    """Put together what `explanation.json` tells; it may be of an earlier model, which a note then says."""
    told = facts.explanation
    if told is None:
        kind = "" if is_table(facts) else str((facts.profile or {}).get("kind"))
        return Importance((), (), (), 0, is_measured=False, inputs=_PLURALS.get(kind, kind))
    columns = [row for row in told.get("columns", ()) if isinstance(row, Mapping)]
    notes = [str(note) for note in told.get("notes", ())]
    best = facts.summary.best
    if best is not None and told.get("trial") not in (None, best.trial):
        notes.insert(0, f"This was measured for trial {told['trial']}, which is no longer the best.")
    return Importance(
        columns=_rows(columns[:_MOST_ROWS], "column", _interval),
        parameters=_parameters(told),
        notes=tuple(notes),
        num_hidden=max(0, len(columns) - _MOST_ROWS),
        is_measured=True,
    )


def _parameters(told: Mapping[str, Any]) -> tuple[tuple[str, tuple[ImportanceRow, ...]], ...]:
    spaces: dict[str, list[Mapping[str, Any]]] = {}
    for row in told.get("parameters", ()):
        if isinstance(row, Mapping):
            spaces.setdefault(str(row.get("space")), []).append(row)
    return tuple((space, _rows(rows[:_MOST_ROWS], "parameter", _trials)) for space, rows in spaces.items())


def _rows(rows: list[Mapping[str, Any]], name: str, note: Any) -> tuple[ImportanceRow, ...]:
    most = max((_number(row.get("importance")) for row in rows), default=0.0)
    return tuple(
        ImportanceRow(
            str(row.get(name)),
            show_number(_number(row.get("importance"))),
            note(row),
            round(100 * max(0.0, _number(row.get("importance"))) / most, 1) if most > 0 else 0.0,
        )
        for row in rows
    )


def _interval(row: Mapping[str, Any]) -> str:
    return f"{show_number(_number(row.get('low')))} to {show_number(_number(row.get('high')))}"


def _trials(row: Mapping[str, Any]) -> str:
    return str(row.get("trials", ""))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
