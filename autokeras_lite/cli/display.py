"""The live display of a search in a terminal."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autokeras_lite.cli.plain import PlainLog, describe_spec, describe_stage
from autokeras_lite.cli.progress import CohortProgress, Progress
from autokeras_lite.cli.words import show_seconds, sparkline
from autokeras_lite.report.wording import count, show_number
from autokeras_lite.trial import Cohort, EpochReport, TrialOutcome, TrialSpec, TrialStatus

if TYPE_CHECKING:
    from autokeras_lite.search.baseline import Baseline
    from autokeras_lite.search.observer import Overview

REFRESHES_PER_SECOND = 2
WIDE = 120
MOST_WIDTH = 140  # wider rows are hard to follow with the eye
_LINES_WITHOUT_COHORTS = 11
_LINES_OF_A_REASON = 3
_FEWEST_COLUMNS = 20
_STATUS_COLOURS = {TrialStatus.COMPLETED: "green", TrialStatus.PRUNED: "yellow", TrialStatus.FAILED: "red"}


class Display:
    """Follows a search and is drawn by a thread of `Live`; a log says above it what should stay.

    The lock guards the state and is never held while anything is written: `Live` has a lock of its own.
    """

    def __init__(self, log: PlainLog, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._now = now
        self._progress = Progress()
        self._lock = threading.Lock()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the present state in the width and height that there are."""
        with self._lock:
            width = min(options.max_width, MOST_WIDTH)
            picture = draw_progress(self._progress, self._now(), width, console.height)
        yield from console.render(picture, options.update_width(width))

    def note(self, message: str) -> None:
        """Let the log say it."""
        self._log.note(message)

    def search_started(self, overview: "Overview") -> None:
        """Show what is searched."""
        with self._lock:
            self._progress.search_started(overview)
        self._log.search_started(overview)

    def baseline_finished(self, baseline: "Baseline") -> None:
        """Show the score of a baseline."""
        with self._lock:
            self._progress.baseline_finished(baseline)
        self._log.baseline_finished(baseline)

    def cohort_started(self, cohort: Cohort) -> None:
        """Show a cohort."""
        with self._lock:
            self._progress.cohort_started(cohort)
        self._log.cohort_started(cohort)

    def epoch_finished(self, report: EpochReport) -> None:
        """Show how the cohort stands."""
        with self._lock:
            self._progress.epoch_finished(report)
        self._log.epoch_finished(report)

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Count the trial."""
        with self._lock:
            self._progress.trial_finished(spec, outcome, is_best=is_best)
        self._log.trial_finished(spec, outcome, is_best=is_best)

    def attempt_failed(self, cohort: Cohort, outcome: TrialOutcome, again: str) -> None:
        """Show the cohort no longer."""
        with self._lock:
            self._progress.attempt_failed(cohort, outcome, again)
        self._log.attempt_failed(cohort, outcome, again)

    def stopping(self, reason: str) -> None:
        """Show why no new trial begins."""
        with self._lock:
            self._progress.stopping(reason)
        self._log.stopping(reason)

    def finishing(self, stage: str) -> None:
        """Show what is done at the end."""
        with self._lock:
            self._progress.finishing(stage)
        self._log.finishing(stage)


@contextmanager
def shown_live(display: Display, console: Console) -> Iterator[None]:
    """Draw the display on a terminal until the block ends; then it is gone."""
    with kept_tidy(Live(display, console=console, refresh_per_second=REFRESHES_PER_SECOND, transient=True)):
        yield


@contextmanager
def kept_tidy(live: Live) -> Iterator[None]:
    """Start a live display and end it whatever happens: its own `with` leaves no cursor if Ctrl-C meets its start."""
    try:
        live.start(refresh=True)
        yield
    finally:
        live.stop()


def say_above(console: Console) -> Callable[[str], None]:
    """Return what prints a line of the log above a display; what does not fit stands below its text, not its time."""

    def say(line: str) -> None:
        stamp, _, message = line.lstrip().partition("  ")
        stamp = f"{stamp:>7}  "
        room = max(_FEWEST_COLUMNS, console.width - len(stamp))
        told = Text(message).wrap(console, room, overflow="fold")
        console.print(
            Text(f"\n{' ' * len(stamp)}".join([f"{stamp}{told[0].plain}", *(part.plain for part in told[1:])]))
        )

    return say


def draw_bar(spent: float, told: str) -> Table:
    """Return a bar that is full to a share from 0 to 1, with words behind it."""
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True)
    grid.add_row(ProgressBar(total=1.0, completed=spent, complete_style="cyan", finished_style="cyan"), told)
    return grid


def draw_progress(progress: Progress, now: float, width: int, height: int) -> RenderableType:
    """Return the picture of a search at `now`, for so many columns and lines."""
    if progress.overview is None:
        return Text("Reading the data ...", style="dim")
    parts: list[RenderableType] = [
        Text(),
        _title(progress.overview),
        _budget(progress, progress.overview, now),
        Text(),
        _standing(progress, progress.overview),
    ]
    if progress.stopping_reason:
        parts += [Text(), Text(progress.stopping_reason, style="yellow")]
    if progress.stage:
        parts += [Text(), Text(f"{describe_stage(progress.stage).capitalize()} ...", style="cyan")]
    elif progress.cohorts:
        taken = _LINES_WITHOUT_COHORTS + (_LINES_OF_A_REASON if progress.stopping_reason else 0)
        parts += [Text(), _cohorts(progress, width, max(1, height - taken))]
    elif not progress.stopping_reason:
        waits_for = "the next trials" if progress.baselines else "the baselines"
        parts += [Text(), Text(f"Preparing {waits_for} ...", style="cyan")]
    return Group(*parts)


def _title(overview: "Overview") -> Text:
    task = overview.task
    better = "higher" if task.direction == "maximize" else "lower"
    title = Text(no_wrap=True, overflow="ellipsis")
    title.append(overview.name, style="bold")
    title.append(f"  {task.kind}, {task.metric} ({better} is better), ")
    title.append(f"{count(overview.rows, 'row')}, {count(overview.columns, 'column')}")
    return title


def _budget(progress: Progress, overview: "Overview", now: float) -> Table:
    elapsed, budget = progress.elapsed_seconds(now), overview.budget
    told = [f"{show_seconds(elapsed)} elapsed"]
    if budget.seconds is not None:
        told = [f"{show_seconds(budget.seconds - elapsed)} left of {show_seconds(budget.seconds)}"]
    if budget.trials is not None:
        told.append(f"{progress.num_counted} of {count(budget.trials, 'trial')}")
    return draw_bar(progress.spent(now), ", ".join(told))


def _standing(progress: Progress, overview: "Overview") -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_row("best", _best(progress))
    grid.add_row("baselines", _baselines(progress, overview))
    grid.add_row("trials", _counts(progress, overview))
    return grid


def _best(progress: Progress) -> Text:
    if progress.best is None:
        reached = progress.best_in_training
        return Text("none yet" if reached is None else f"{show_number(reached)}  still training", style="dim")
    spec, score = progress.best
    return Text.assemble((show_number(score), "bold green"), f"  trial {spec.number}, {spec.family}")


def _baselines(progress: Progress, overview: "Overview") -> Text:
    line = Text("" if progress.baselines else "none yet", style="dim")
    best = None if progress.best is None else progress.best[1]
    for baseline in progress.baselines:
        is_ahead = baseline.score is not None and (best is None or overview.task.is_better(baseline.score, than=best))
        line.append(", " if line else "")
        line.append(f"{baseline.name.replace('_', ' ')} ")
        line.append(show_number(baseline.score), style="not dim yellow" if is_ahead else "not dim")
    return line


def _counts(progress: Progress, overview: "Overview") -> Text:
    taken_over = f"{overview.resumed} taken over, " if overview.resumed else ""
    return Text.assemble((taken_over, "dim"), draw_counts(progress.counts))


def draw_counts(counts: Mapping[TrialStatus, int]) -> Text:
    """Draw how many trials ended in which way."""
    numbers = {status: counts.get(status, 0) for status in TrialStatus}
    parts = [
        Text(f"{number} {status}", _STATUS_COLOURS[status] if number else "dim") for status, number in numbers.items()
    ]
    return Text(", ").join(parts)


def _cohorts(progress: Progress, width: int, most: int) -> Group:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True, min_width=8, style="cyan")
    grid.add_column(no_wrap=True, justify="right", min_width=6)
    standings = sorted(progress.cohorts.values(), key=lambda standing: standing.cohort.number)
    for standing in standings[:most]:
        grid.add_row(*_cohort_row(standing, is_wide=width >= WIDE))
    hidden = len(standings) - most
    return Group(grid, *([Text(f"and {count(hidden, 'more cohort')}", style="dim")] if hidden > 0 else []))


def _cohort_row(standing: CohortProgress, *, is_wide: bool) -> tuple[str, str, Text, str, str, str]:
    spec, total = standing.cohort.specs[0], len(standing.cohort.specs)
    running = count(total, "trial") if standing.num_running >= total else f"{standing.num_running} of {total} trials"
    structure = Text.assemble((f"{spec.family}  " if is_wide else "", "dim"), describe_spec(spec))
    return (
        f"cohort {standing.cohort.number}" if is_wide else f"#{standing.cohort.number}",
        running,
        structure,
        f"epoch {standing.epoch} of {standing.epochs}" if is_wide else f"{standing.epoch}/{standing.epochs}",
        sparkline(standing.best_scores, 24 if is_wide else 10),
        show_number(standing.best_scores[-1]) if standing.best_scores else "",
    )
