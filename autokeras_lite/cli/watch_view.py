"""A search that another process runs, followed from its folder: as a picture on a terminal, in lines elsewhere."""

import time
from collections.abc import Callable

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autokeras_lite.cli.display import MOST_WIDTH, WIDE, draw_bar, draw_counts, kept_tidy
from autokeras_lite.cli.plain import describe_spec
from autokeras_lite.cli.state_view import (
    describe_counts,
    describe_driver,
    describe_failure,
    describe_left,
    describe_phase,
    describe_task,
    describe_trial,
    describe_trials_of,
    spent,
)
from autokeras_lite.cli.streams import is_live
from autokeras_lite.cli.words import show_seconds
from autokeras_lite.report.wording import count, one_line, show_number
from autokeras_lite.search.standing import EndedTrial, TrainingCohort
from autokeras_lite.search.state import SearchState

SECONDS_BETWEEN_LOOKS = 1.0
_LINES_OF_THE_REST = 15  # beside cohorts and the best trials
_HINT = "Ctrl-C ends the watching; the search goes on."


def follow(
    read: Callable[[], SearchState], console: Console, pause: Callable[[float], None] = time.sleep
) -> SearchState:
    """Show a search until it has ended, and return how it stands then.

    Raises:
        ArtifactError: its files are damaged, or gone.
    """
    return _follow_live(read, console, pause) if is_live(console) else _follow_in_lines(read, console, pause)


def _follow_live(read: Callable[[], SearchState], console: Console, pause: Callable[[float], None]) -> SearchState:
    picture = _Picture(read())
    live = Live(picture, console=console, auto_refresh=False, transient=True)
    if picture.state.is_running:
        with kept_tidy(live):
            _keep_drawing(picture, live, read, pause)
    return picture.state


def _keep_drawing(
    picture: "_Picture", live: Live, read: Callable[[], SearchState], pause: Callable[[float], None]
) -> None:
    while picture.state.is_running:
        live.refresh()
        pause(SECONDS_BETWEEN_LOOKS)
        picture.state = read()


def _follow_in_lines(read: Callable[[], SearchState], console: Console, pause: Callable[[float], None]) -> SearchState:
    before, state = None, read()
    while state.is_running:
        for line in describe_change(before, state):
            console.file.write(f"{show_seconds(state.elapsed_seconds):>7}  {one_line(line)}\n")
        console.file.flush()
        pause(SECONDS_BETWEEN_LOOKS)
        before, state = state, read()
    return state


class _Picture:
    """Draws the present state in the width and height that there are."""

    def __init__(self, state: SearchState) -> None:
        self.state = state

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, MOST_WIDTH)
        yield from console.render(draw_state(self.state, width, console.height), options.update_width(width))


def describe_change(before: SearchState | None, now: SearchState) -> list[str]:
    """Say in lines what is new since an earlier look; everything where there was none."""
    lines = [] if before else [f"{now.name}: {describe_phase(now)}, {describe_driver(now)}"]
    if now.metric and (before is None or before.metric != now.metric):
        lines.append(f"{now.name}: {describe_task(now)}, {describe_left(now)}")
    known = set() if before is None else {cohort.number for cohort in before.training}
    begun = [cohort for cohort in now.training if cohort.number not in known]
    lines += [f"cohort {cohort.number} trains: {describe_trials_of(cohort)}" for cohort in begun]
    if now.last_failure is not None and (before is None or before.last_failure != now.last_failure):
        lines.append(describe_failure(now))
    if now.best is not None and (before is None or before.best != now.best):
        lines.append(f"the best so far: {describe_trial(now.best, now.metric)}")
    if now.num_trials and (before is None or before.num_trials != now.num_trials):
        lines.append(f"{count(now.num_trials, 'trial')} done: {describe_counts(now)}")
    if now.doing and (before is None or before.doing != now.doing):
        lines.append(f"{now.doing} ...")
    return lines


def draw_state(state: SearchState, width: int, height: int) -> RenderableType:
    """Return the picture of a search that runs, for so many columns and lines."""
    title = Text(no_wrap=True, overflow="ellipsis")
    title.append(one_line(state.name), style="bold")
    about = describe_task(state)
    title.append(f"  {one_line(about)}" if about else "")
    parts: list[RenderableType] = [Text(), title, draw_bar(spent(state), describe_left(state)), Text(), _facts(state)]
    if state.doing:
        parts += [Text(), Text(f"{state.doing.capitalize()} ...", style="cyan")]
    top = state.top if height > _LINES_OF_THE_REST + len(state.top) else ()
    if state.training:
        parts += [Text(), *_cohorts(state, width, max(1, height - _LINES_OF_THE_REST - len(top)))]
    if top:
        parts += [Text(), _top(top)]
    return Group(*parts, Text(), Text(_HINT, style="dim", no_wrap=True, overflow="ellipsis"))


def _facts(state: SearchState) -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    best = Text("none yet", style="dim")
    if state.best is not None:
        best = Text.assemble((show_number(state.best.score), "bold green"), f"  {_which(state.best)}")
    grid.add_row("best", best)
    grid.add_row("baselines", _baselines(state))
    grid.add_row("trials", draw_counts(state.counts))
    failure = describe_failure(state)
    if failure:
        grid.add_row("last failure", Text(failure, style="red"))
    grid.add_row("driver", Text(describe_driver(state), style="dim"))
    return grid


def _which(trial: EndedTrial) -> str:
    return f"trial {trial.number}, {one_line(trial.family)}" if trial.family else f"trial {trial.number}"


def _baselines(state: SearchState) -> Text:
    told = [f"{name.replace('_', ' ')} {show_number(score)}" for name, score in state.baselines.items()]
    return Text(one_line(", ".join(told))) if told else Text("none yet", style="dim")


def _cohorts(state: SearchState, width: int, most: int) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True, justify="right", min_width=6)
    for cohort in state.training[:most]:
        grid.add_row(*_cohort_row(cohort, state, is_wide=width >= WIDE))
    hidden = len(state.training) - most
    return [grid, *([Text(f"and {count(hidden, 'more cohort')}", style="dim")] if hidden > 0 else [])]


def _cohort_row(cohort: TrainingCohort, state: SearchState, *, is_wide: bool) -> tuple[str, str, Text, str, str]:
    spec, structure = cohort.spec, Text()
    if spec is not None:
        structure = Text.assemble((f"{one_line(spec.family)}  ", "dim"), one_line(describe_spec(spec)))
    since = cohort.began_seconds
    told = "" if since is None else show_seconds(state.elapsed_seconds - since)
    if cohort.epoch and spec is not None:
        of = " of " if is_wide else "/"
        told = f"past {'epoch ' if is_wide else ''}{cohort.epoch}{of}{spec.training.epochs}  {told}"
    sign = 1.0 if state.direction == "minimize" else -1.0
    best = min(cohort.scores.values(), key=lambda score: sign * score, default=None)
    return (
        f"cohort {cohort.number}" if is_wide else f"#{cohort.number}",
        count(len(cohort.trials), "trial"),
        structure,
        told,
        "" if best is None else show_number(best),
    )


def _top(trials: tuple[EndedTrial, ...]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for justify in ("right", "right", "left", "left", "right", "right"):
        grid.add_column(justify=justify, no_wrap=True)
    for place, trial in enumerate(trials, start=1):
        style = "bold green" if place == 1 else None
        which, family = f"trial {trial.number}", one_line(trial.family)
        cells = (show_number(trial.score), which, family, count(trial.epochs, "epoch"), f"{trial.seconds:.1f} s")
        grid.add_row(Text(str(place), style="dim"), *cells, style=style)
    return grid
