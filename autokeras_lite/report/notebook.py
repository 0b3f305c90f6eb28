"""A search in a notebook: a result as a summary in HTML, and a running search as one display that is updated.

Loads neither plotly nor IPython; where no notebook runs, nothing happens here.
"""

import math
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from html import escape
from importlib import import_module
from typing import Any, Protocol

import pandas as pd

from autokeras_lite.report.figure import cut_text
from autokeras_lite.report.wording import count, show_number, show_seconds
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.observer import Observer, Overview, SilentObserver
from autokeras_lite.search.record import EnsembleSummary, SearchSummary
from autokeras_lite.trial import Cohort, EpochReport, TrialOutcome, TrialSpec, TrialStatus

_SECONDS_BETWEEN = 0.5
_MOST_TRIALS, _MOST_COHORTS, _MOST_NOTES = 5, 6, 3
_COLUMNS = ("rank", "trial", "score", "status", "family", "epochs", "seconds", "parameters")
_BOX = "border:1px solid rgba(128,128,128,.4);border-radius:6px;padding:10px 14px;max-width:860px;line-height:1.5"
_CELL = "text-align:left;padding:2px 14px 2px 0"
_FAINT = "opacity:.75"
_STOPPED = {
    "interrupted": "It was interrupted: this is the best so far.",
    "failures": "It was stopped because too many trials failed.",
    "unfinished": "It has not come to its end: this is the best so far.",
}
_STAGES = {
    "finalists": "scoring the best trials once more",
    "refit": "training the winner on all rows",
    "artifact": "making the model file",
    "tracking": "writing the record",
}


# --- a result --------------------------------------------------------------------------------------------------------


def summary_html(summary: SearchSummary, board: pd.DataFrame) -> str:
    """Return a result as HTML for a notebook, with every text from outside escaped; `board` is the leaderboard."""
    trials = summary.trials
    counted = (
        f"{count(trials.completed, 'trial')} completed, {trials.pruned:,} stopped early, {trials.failed:,} failed "
        f"in {show_seconds(summary.seconds)}"
    )
    told = [_headline(summary), *_trusted(summary), _text(summary.verdict), _STOPPED.get(summary.stopped, "")]
    if summary.latency is not None:
        told.append(f"Predicting takes {_text(summary.latency.describe())}.")
    paragraphs = "".join(f'<p style="margin:4px 0">{text}</p>' for text in told if text)
    parts = [paragraphs, _scores(summary), _best_trials(board), f'<p style="margin:4px 0;{_FAINT}">{counted}</p>']
    return f'<div class="autokeras-lite" style="{_BOX}">{"".join(parts)}</div>'


def _headline(summary: SearchSummary) -> str:
    name, best = f"<strong>{_text(summary.name)}</strong>", summary.best
    if best is None:
        return f"{name}: no model"
    score, by = best.validation_score, f"trial {best.trial} ({_text(best.family)})"
    if summary.ensemble is not None:
        score, by = summary.ensemble.validation_score, f"{_ensemble(summary.ensemble)}, first of them {by}"
    return f"{name}: {_text(summary.metric)} <strong>{show_number(score)}</strong> on validation rows, {by}"


def _ensemble(ensemble: EnsembleSummary) -> str:
    return f"ensemble of {count(len(ensemble.shares), 'trial')}"


def _trusted(summary: SearchSummary) -> list[str]:
    return [] if summary.trust is None else [_text(sentence) for sentence in summary.trust.sentences()]


def _scores(summary: SearchSummary) -> str:
    """Return the scores of the winner and of the baselines, the best one first."""
    scores = {name.replace("_", " "): score for name, score in summary.baselines.items() if score is not None}
    if summary.best is not None:
        scores["best network"] = summary.best.validation_score
        if summary.best.test_score is not None:
            scores["on test rows"] = summary.best.test_score
    if summary.ensemble is not None:
        scores[_ensemble(summary.ensemble)] = summary.ensemble.validation_score
    sign = -1.0 if summary.direction == "maximize" else 1.0
    ranked = sorted(scores.items(), key=lambda item: sign * item[1])
    return _table(("model", summary.metric), [(name, show_number(score)) for name, score in ranked])


def _best_trials(board: pd.DataFrame) -> str:
    columns = [name for name in _COLUMNS if name in board]
    rows = [[_cell(name, row[name]) for name in columns] for row in board.head(_MOST_TRIALS).to_dict("records")]
    return _table(columns, rows) if rows else ""


def _cell(name: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if name == "score":
        return show_number(float(value))
    if name == "seconds":
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col" style="{_CELL}">{_text(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_text(cell)}</td>' for cell in cells) + "</tr>" for cells in rows
    )
    look = "border-collapse:collapse;margin:8px 0"
    return f'<table style="{look}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _text(value: object) -> str:
    """Escape a text; a formula's mark too, which a notebook would typeset."""
    return escape(cut_text(value, 400)).replace("$", "&#36;")


# --- a running search ------------------------------------------------------------------------------------------------


class Shown(Protocol):
    """Something that a notebook shows, and that can be replaced."""

    def update(self, shown: object) -> object:
        """Show something else in the same place."""


class NotebookProgress:
    """Follows a search in one place of a notebook, which changes at most twice a second.

    `show` puts HTML there, `now` reads a clock in seconds.
    """

    def __init__(self, show: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._show, self._now = show, now
        self._shown_at: float | None = None
        self._overview: Overview | None = None
        self._baselines: list[Baseline] = []
        self._cohorts: dict[int, tuple[Cohort, EpochReport | None]] = {}
        self._waiting: dict[int, set[int]] = {}
        self._counts: Counter[TrialStatus] = Counter()
        self._best: tuple[TrialSpec, float] | None = None
        self._notes: deque[str] = deque(maxlen=_MOST_NOTES)
        self._stage = "reading the data"

    def note(self, message: str) -> None:
        """Keep the last sentences."""
        self._notes.append(message)
        self._refresh()

    def search_started(self, overview: Overview) -> None:
        """Keep what is searched."""
        self._overview, self._stage = overview, "searching"
        self._refresh()

    def baseline_finished(self, baseline: Baseline) -> None:
        """Keep the score of a baseline."""
        self._baselines.append(baseline)
        self._refresh()

    def cohort_started(self, cohort: Cohort) -> None:
        """Follow a cohort."""
        self._cohorts[cohort.number] = cohort, None
        self._waiting[cohort.number] = {spec.number for spec in cohort.specs}
        self._refresh()

    def epoch_finished(self, report: EpochReport) -> None:
        """Keep how a cohort stands."""
        if report.cohort in self._cohorts:
            self._cohorts[report.cohort] = self._cohorts[report.cohort][0], report
        self._refresh()

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Count a trial."""
        self._counts[outcome.status] += 1
        if is_best and outcome.score is not None:
            self._best = spec, outcome.score
        for number, waiting in list(self._waiting.items()):
            waiting.discard(spec.number)
            if not waiting:
                self._forget(number)
        self._refresh()

    def attempt_failed(self, cohort: Cohort, outcome: TrialOutcome, again: str) -> None:
        """Stop following a cohort that begins anew."""
        self._forget(cohort.number)
        self._refresh()

    def stopping(self, reason: str) -> None:
        """Keep why no new trial begins."""
        self._notes.append(reason)
        self._refresh()

    def finishing(self, stage: str) -> None:
        """Keep which part of the end has begun."""
        self._stage = _STAGES.get(stage, stage)
        self._cohorts.clear()
        self._refresh()

    def close(self, *, is_broken: bool = False) -> None:
        """Show the last state, whenever the one before was shown."""
        self._stage = "stopped" if is_broken else "done"
        self._cohorts.clear()
        self._refresh(is_last=True)

    def _forget(self, number: int) -> None:
        self._cohorts.pop(number, None)
        self._waiting.pop(number, None)

    def _refresh(self, *, is_last: bool = False) -> None:
        now = self._now()
        if not is_last and self._shown_at is not None and now - self._shown_at < _SECONDS_BETWEEN:
            return
        self._shown_at = now
        with suppress(Exception):  # a search does not end because nobody can see it
            self._show(self._page(now))

    def _page(self, now: float) -> str:
        head = " · ".join(text for text in (self._begun(now), self._standing(), self._leader()) if text)
        notes = "".join(f'<div style="{_FAINT}">{_text(note)}</div>' for note in self._notes)
        return f'<div class="autokeras-lite" style="{_BOX}"><div>{head}</div>{self._training()}{notes}</div>'

    def _begun(self, now: float) -> str:
        overview = self._overview
        if overview is None:
            return _text(self._stage)
        elapsed = show_seconds(overview.earlier_seconds + max(0.0, now - overview.started))
        seconds, trials = overview.budget.seconds, overview.budget.trials
        limits = [*([show_seconds(seconds)] if seconds else []), *([count(trials, "trial")] if trials else [])]
        return f"<strong>{_text(overview.name)}</strong>: {_text(self._stage)}, {elapsed} of {' or '.join(limits)}"

    def _standing(self) -> str:
        resumed = 0 if self._overview is None else self._overview.resumed
        done = resumed + self._counts[TrialStatus.COMPLETED] + self._counts[TrialStatus.PRUNED]
        failed = self._counts[TrialStatus.FAILED]
        return f"{count(done, 'trial')} done" + (f", {failed:,} failed" if failed else "")

    def _leader(self) -> str:
        metric = "" if self._overview is None else self._overview.task.metric
        scored = [f"{one.name.replace('_', ' ')} {show_number(one.score)}" for one in self._baselines]
        beside = f" (baselines: {_text(', '.join(scored))})" if scored else ""
        if self._best is None:
            return f"no score yet{beside}"
        spec, score = self._best
        return f"best {_text(metric)} <strong>{show_number(score)}</strong>, trial {spec.number}{beside}"

    def _training(self) -> str:
        """Return a row for each cohort that trains."""
        rows = []
        for number, (cohort, report) in sorted(self._cohorts.items())[:_MOST_COHORTS]:
            epochs = cohort.stop_after or cohort.specs[0].training.epochs
            epoch, running = (0, len(cohort.specs)) if report is None else (report.epoch, len(report.scores))
            lanes = count(running, "trial")
            rows.append((f"cohort {number}", lanes, cohort.specs[0].family, f"epoch {epoch} of {epochs}"))
        return _table(("training", "", "", ""), rows) if rows else ""


@contextmanager
def watched(observer: Observer | None) -> Iterator[Observer]:
    """Yield who watches a search: `observer`, or where there is none the notebook it runs in, or nobody."""
    show = None if observer is not None else _notebook_display()
    if show is None:
        yield observer or SilentObserver()
        return
    progress = NotebookProgress(show)
    try:
        yield progress
    except BaseException:
        progress.close(is_broken=True)
        raise
    progress.close()


def _notebook_display() -> Callable[[str], None] | None:
    """Return what shows HTML in one place of the cell that runs, `None` where this is no notebook."""
    ipython = sys.modules.get("IPython")  # whoever runs in a notebook has loaded it
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    tools: Any = import_module("IPython.display")  # which ships no types
    places: list[Shown] = []

    def show(html: str) -> None:
        if places:
            places[0].update(tools.HTML(html))
            return
        handle = tools.display(tools.HTML(html), display_id=True)
        if handle is not None:
            places.append(handle)

    return show
