"""What is printed when a search has ended: the result, beside what simple models reach, and what to do next."""

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autokeras_lite.cli.streams import show
from autokeras_lite.cli.words import describe_model, describe_training, show_score, show_seconds
from autokeras_lite.config import DEFAULT_RUNS_DIR

if TYPE_CHECKING:
    from autokeras_lite.search.record import SearchSummary

_NETWORK = "best network"
_MOST_NOTES = 5


@dataclass(frozen=True)
class Invocation:
    """What of the command line the commands that follow need too."""

    folder: Path
    suffix: str
    runs_dir: str = DEFAULT_RUNS_DIR
    tracking_uri: str | None = None


def print_final(console: Console, summary: "SearchSummary", invocation: Invocation) -> None:
    """Print the result of a search."""
    parts: list[RenderableType] = [_headline(summary), Text()]
    parts += [Padding(_scores(summary), (0, 0, 0, 2)), Text()]
    parts += [Padding(Text(summary.verdict), (0, 0, 0, 2)), Text()]
    parts += [Padding(_facts(summary, invocation), (0, 0, 0, 2)), Text()]
    parts += [*_notes(summary), Text("Next", style="bold")]
    show(console, Group(*parts))
    # Commands are printed whole, however narrow the terminal: they are there to be copied.
    commands = next_commands(summary, invocation)
    width = max(len(command) for command, _ in commands)
    has_room = width + max(len(purpose) for _, purpose in commands) + len("    # ") <= console.width
    for command, purpose in commands:
        comment = f"{' ' * (width - len(command))}  # {purpose}" if has_room else ""
        console.print(Text.assemble("  ", (command, "cyan"), (comment, "dim")), soft_wrap=True)
    python = f"import autokeras_lite as akl; akl.load({str(invocation.folder)!r}).predict(frame)"
    console.print(Text.assemble("or in Python\n  ", (python, "cyan")), soft_wrap=True)


def next_commands(summary: "SearchSummary", invocation: Invocation) -> list[tuple[str, str]]:
    """Return the commands that are useful after this search, as they can be pasted, each with its purpose."""
    name = shlex.quote(summary.name)
    place = "" if invocation.runs_dir == DEFAULT_RUNS_DIR else f" --runs-dir {shlex.quote(invocation.runs_dir)}"
    store = "" if invocation.tracking_uri is None else f" --tracking-uri {shlex.quote(summary.tracking.uri)}"
    program, suffix = "autokeras-lite", invocation.suffix
    return [
        (f"{program} leaderboard {name}{place}", "every trial, best first"),
        (f"{program} predict {name} new{suffix} -o predictions.csv{place}", "predict new rows"),
        (f"{program} evaluate {name} test{suffix}{place}", "score other labelled rows"),
        (f"{program} ui {name}{place}{store}", "compare the trials in a browser"),
    ]


def _headline(summary: "SearchSummary") -> Text:
    better = "higher" if summary.direction == "maximize" else "lower"
    return Text.assemble(
        (summary.name, "bold"), f": {summary.task}, {summary.metric} on validation rows ({better} is better)"
    )


def _scores(summary: "SearchSummary") -> Table:
    """Return the best network among the baselines, best first, each with its distance from the network."""
    score = summary.best.validation_score
    scores: dict[str, float | None] = {_NETWORK: score, **summary.baselines}
    sign = -1.0 if summary.direction == "maximize" else 1.0
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, style="dim")
    for name, reached in sorted(scores.items(), key=lambda item: _order(item[1], sign)):
        style = "bold green" if name == _NETWORK else ""
        distance = "" if reached is None or name == _NETWORK else _distance(sign * (score - reached))
        table.add_row(Text(name.replace("_", " "), style=style), Text(show_score(reached), style=style), distance)
    return table


def _order(score: float | None, sign: float) -> float:
    return math.inf if score is None else sign * score


def _distance(ahead: float) -> str:
    """Say how far a baseline is from the network; `ahead` is positive where it is better."""
    if ahead == 0:
        return "equal"
    return f"{show_score(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"


def _facts(summary: "SearchSummary", invocation: Invocation) -> Table:
    best, trials = summary.best, summary.trials
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    if best.test_score is not None:
        table.add_row("test rows", Text(f"{summary.metric} {show_score(best.test_score)}", style="bold"))
    table.add_row("best", f"trial {best.trial} of space {best.space}, family {best.family}")
    table.add_row("model", describe_model(best.config))
    table.add_row("training", describe_training(best.config))
    table.add_row("trials", f"{trials.completed} completed, {trials.pruned} pruned, {trials.failed} failed")
    table.add_row("time", show_seconds(summary.seconds))
    table.add_row("saved in", Text(summary.artifact))
    if summary.tracking.uri:
        table.add_row("tracked in", Text(summary.tracking.uri))
    return table


def _notes(summary: "SearchSummary") -> list[RenderableType]:
    if not summary.notes:
        return []
    lines: list[RenderableType] = [Text("Notes", style="bold")]
    lines += [Padding(Text(note), (0, 0, 0, 2)) for note in summary.notes[:_MOST_NOTES]]
    hidden = len(summary.notes) - _MOST_NOTES
    if hidden > 0:
        lines.append(Padding(Text(f"and {hidden} more in summary.json", style="dim"), (0, 0, 0, 2)))
    return [*lines, Text()]
