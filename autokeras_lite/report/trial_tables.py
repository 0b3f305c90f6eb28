"""The tables of trials in the report: the leaderboard with what was varied, and the failures with their causes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autokeras_lite.report.facts import Facts, TrialFacts
from autokeras_lite.report.wording import count, one_line, shortened, show_number, show_value
from autokeras_lite.trial import TrialStatus

ROWS_OF_A_PAGE = 50
_MOST_VARIED = 16
_MOST_FAILURES = 200
_MOST_LETTERS = 60
_MOST_MESSAGE_LETTERS = 2_000


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard; `kind` is `score`, `number` or `text`."""

    name: str
    kind: str


@dataclass(frozen=True)
class Leaderboard:
    """Every trial, best first; `rows` hold plain values in the order of `columns`."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    num_left_out: int

    @property
    def first_page(self) -> tuple[tuple[str, ...], ...]:
        """The best trials in words, for whoever has no scripts."""
        kinds = [column.kind for column in self.columns]
        shown = self.rows[:ROWS_OF_A_PAGE]
        return tuple(tuple(_cell(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in shown)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the script of the page."""
        return {"columns": [vars(column) for column in self.columns], "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True)
class Failure:
    """A trial that failed."""

    trial: int
    cause: str
    message: str
    attempts: int


@dataclass(frozen=True)
class Failures:
    """The trials that failed; `summary` counts their causes."""

    summary: str
    rows: tuple[Failure, ...]
    num_hidden: int


def make_board(facts: Facts) -> Leaderboard:
    """Return the leaderboard: what every trial has, and the values in which trials differ."""
    ranked = [*facts.ranked, *(trial for trial in facts.trials if trial.score is None)]
    varied = _varied(facts.trials)
    shown = varied[:_MOST_VARIED]
    rows = [
        (
            rank if trial.score is not None else None,
            trial.number,
            trial.score,
            str(trial.outcome.status),
            trial.spec.family,
            trial.spec.origin,
            trial.outcome.epochs,
            round(trial.outcome.seconds, 2),
            trial.outcome.parameters,
            *(_plain(trial.values.get(name)) for name in shown),
        )
        for rank, trial in enumerate(ranked, start=1)
    ]
    own = [Column(name, _kind([row[9 + index] for row in rows])) for index, name in enumerate(shown)]
    return Leaderboard((*_COLUMNS, *own), tuple(rows), len(varied) - len(shown))


_COLUMNS = (
    Column("rank", "number"),
    Column("trial", "number"),
    Column("score", "score"),
    Column("status", "text"),
    Column("family", "text"),
    Column("origin", "text"),
    Column("epochs", "number"),
    Column("seconds", "number"),
    Column("parameters", "number"),
)


def make_failure_table(facts: Facts) -> Failures:
    """Return the trials that failed, in their order."""
    failed = [trial.outcome for trial in facts.trials if trial.outcome.status is TrialStatus.FAILED]
    causes = Counter(str(outcome.cause) for outcome in failed)
    told = ", ".join(f"{number} {cause.replace('_', ' ').lower()}" for cause, number in causes.most_common())
    rows = [
        Failure(
            outcome.number,
            str(outcome.cause).replace("_", " ").lower(),
            shortened(outcome.message.strip(), _MOST_MESSAGE_LETTERS),
            1 + len(outcome.earlier),
        )
        for outcome in failed[:_MOST_FAILURES]
    ]
    summary = f"{count(len(failed), 'trial')} failed: {told}." if failed else "No trial failed."
    return Failures(summary, tuple(rows), len(failed) - len(rows))


def _varied(trials: Sequence[TrialFacts]) -> list[str]:
    """Return the names of values in which trials differ, those that most trials have first."""
    present, seen = Counter[str](), dict[str, set[str]]()
    for trial in trials:
        for name, value in trial.values.items():
            present[name] += 1
            seen.setdefault(name, set()).add(str(value))
    return [name for name, _ in present.most_common() if len(seen[name]) > 1]


def _plain(value: Any) -> str | float | int | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, int | float) else shortened(one_line(str(value)), _MOST_LETTERS)


def _kind(values: Sequence[Any]) -> str:
    return "text" if any(isinstance(value, str) for value in values) else "number"


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return "-" if kind == "score" else ""
    return show_number(value) if kind == "score" else show_value(value)
