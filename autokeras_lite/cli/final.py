"""What is printed when a search has ended: the result, beside what simple models reach, and what to do next."""

import math
import shlex
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autokeras_lite.cli.streams import show
from autokeras_lite.cli.words import describe_model, describe_training, show_seconds
from autokeras_lite.config import DEFAULT_RUNS_DIR, DEFAULT_SECONDS
from autokeras_lite.report.wording import count, show_number

if TYPE_CHECKING:
    from autokeras_lite.search.record import EnsembleSummary, SearchSummary

_PROGRAM = "autokeras-lite"
_NETWORK = "best network"
_MOST_NOTES = 5
REPORT_FILE, _RECORD_FILE = "report.html", "summary.json"


@dataclass(frozen=True)
class Invocation:
    """What of the command line the commands that follow need too.

    `suffix` is that of the data. `more_time` is the command that gives the same search more time.
    """

    folder: Path
    runs_dir: str = DEFAULT_RUNS_DIR
    suffix: str = ".csv"
    tracking_uri: str | None = None
    more_time: str = ""


def print_final(console: Console, summary: "SearchSummary", invocation: Invocation) -> None:
    """Print the result of a search."""
    parts: list[RenderableType] = [_headline(summary), *_banner(summary), Text()]
    if summary.best is not None or summary.baselines:
        parts += [Padding(_scores(summary), (0, 0, 0, 2)), Text()]
    if summary.verdict:
        parts += [Padding(Text(summary.verdict), (0, 0, 0, 2)), Text()]
    if summary.trust is not None:
        parts += [*(Padding(Text(told), (0, 0, 0, 2)) for told in summary.trust.sentences()), Text()]
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
    if summary.best is not None:
        python = f"import autokeras_lite as akl; akl.load({str(invocation.folder)!r}).predict(frame)"
        console.print(Text.assemble("or in Python\n  ", (python, "cyan")), soft_wrap=True)


def next_commands(summary: "SearchSummary", invocation: Invocation) -> list[tuple[str, str]]:
    """Return the commands that are useful after this search, as they can be pasted, each with its purpose."""
    num_trials = sum(asdict(summary.trials).values())
    new, test = (shlex.quote(f"{name}{invocation.suffix}") for name in ("new", "test"))
    store = "" if invocation.tracking_uri is None else f" --tracking-uri {shlex.quote(summary.tracking.uri)}"
    failures = (command_line("failures", invocation), "what failed, and why")
    commands = [failures] if summary.stopped == "failures" else []
    if summary.stopped in ("interrupted", "unfinished"):
        commands.append((resume_command(invocation), "go on where it stopped"))
    elif summary.best is None:
        commands.append((invocation.more_time or _more_time(invocation), "the same search with more time"))
    if num_trials:
        commands.append((command_line("leaderboard", invocation), "every trial, best first"))
    if summary.trials.failed and failures not in commands:
        commands.append(failures)
    if summary.best is not None:
        commands.append((command_line("predict", invocation, new, "-o predictions.csv"), "predict new rows"))
        commands.append((command_line("evaluate", invocation, test), "score other labelled rows"))
        commands.append((command_line("explain", invocation), "which columns and settings mattered"))
    if num_trials and not has_report(invocation.folder):
        commands.append((command_line("report", invocation), "everything on one page"))
    if num_trials:
        commands.append((f"{command_line('ui', invocation)}{store}", "compare the trials in a browser"))
    return commands


def resume_command(invocation: Invocation) -> str:
    """Return the command that goes on with this search."""
    return command_line("resume", invocation)


def has_report(folder: Path) -> bool:
    """Say whether there is a report of the search as it stands now."""
    page, record = folder / REPORT_FILE, folder / _RECORD_FILE
    with suppress(OSError):
        return page.stat().st_mtime_ns >= record.stat().st_mtime_ns
    return False


def describe_end(summary: "SearchSummary", invocation: Invocation) -> list[str]:
    """Say what is saved of a search that was stopped, and the command to go on with; nothing if it came to its end."""
    if summary.stopped == "":
        return []
    if summary.stopped == "failures":
        return [
            f"Stopped by failures. What failed, and why: {command_line('failures', invocation)}",
            f"When that is mended, go on with: {resume_command(invocation)}",
        ]
    best, num_trials = summary.best, sum(asdict(summary.trials).values())
    saved = "No model is saved yet, only what was asked and the baselines"
    if best is not None:
        reached = f"{summary.metric} {show_number(best.validation_score)}"
        saved = f"Saved: {count(num_trials, 'trial')} and the best model so far (trial {best.trial}, {reached})"
    return [
        f"Interrupted. {saved}, in {invocation.folder}",
        f"Go on with: {resume_command(invocation)}",
    ]


def command_line(command: str, invocation: Invocation, *words: str) -> str:
    """Return a command for this search as it can be pasted, with more words behind the name."""
    is_default = invocation.runs_dir == DEFAULT_RUNS_DIR
    place = () if is_default else ("--runs-dir", shlex.quote(invocation.runs_dir))
    return " ".join([_PROGRAM, command, shlex.quote(invocation.folder.name), *words, *place])


def _more_time(invocation: Invocation) -> str:
    """Return what to give where the options of the search are not at hand."""
    is_default = invocation.runs_dir == DEFAULT_RUNS_DIR
    place = "" if is_default else f" --runs-dir {shlex.quote(invocation.runs_dir)}"
    name, longer = shlex.quote(invocation.folder.name), f"{DEFAULT_SECONDS / 60:.0f}m"
    return f"{_PROGRAM} search DATA --name {name}{place} --extend --time-limit {longer} ..."


def _headline(summary: "SearchSummary") -> Text:
    better = "higher" if summary.direction == "maximize" else "lower"
    return Text.assemble(
        (summary.name, "bold"), f": {summary.task}, {summary.metric} on validation rows ({better} is better)"
    )


def _banner(summary: "SearchSummary") -> list[Text]:
    """Say on top why the search ended before its budget was spent; the first note is the cause of failures."""
    if summary.stopped == "failures":
        return [Text(note, style="bold red") for note in summary.notes[:1]]
    if summary.stopped in ("interrupted", "unfinished"):
        return [Text("Interrupted before the budget was spent: this is the result so far.", style="bold yellow")]
    return []


def _scores(summary: "SearchSummary") -> Table:
    """Return the best network among the baselines, best first, each with its distance from the network.

    Without a network the best baseline is what stands out.
    """
    scores: dict[str, float | None] = dict(summary.baselines)
    if summary.best is not None:
        scores = {_NETWORK: summary.best.validation_score, **scores}
    if summary.ensemble is not None and len(summary.ensemble.shares) > 1:
        scores = {f"ensemble of {len(summary.ensemble.shares)}": summary.ensemble.validation_score, **scores}
    sign = -1.0 if summary.direction == "maximize" else 1.0
    ranked = sorted(scores.items(), key=lambda item: _order(item[1], sign))
    headline = ranked[0][0] if summary.best is None else _NETWORK
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, style="dim")
    for name, reached in ranked:
        style = "bold green" if name == headline else ""
        best = None if summary.best is None or name == _NETWORK else summary.best.validation_score
        distance = "" if best is None or reached is None else _distance(sign * (best - reached))
        table.add_row(Text(name.replace("_", " "), style=style), Text(show_number(reached), style=style), distance)
    return table


def _order(score: float | None, sign: float) -> float:
    return math.inf if score is None else sign * score


def _distance(ahead: float) -> str:
    """Say how far a baseline is from the network; `ahead` is positive where it is better."""
    if ahead == 0:
        return "equal"
    return f"{show_number(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"


def _facts(summary: "SearchSummary", invocation: Invocation) -> Table:
    best, trials = summary.best, summary.trials
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    if best is not None:
        if best.test_score is not None:
            table.add_row("test rows", Text(f"{summary.metric} {show_number(best.test_score)}", style="bold"))
        if summary.ensemble is not None:
            table.add_row("final model", _describe_ensemble(summary.ensemble))
        table.add_row("best", f"trial {best.trial} of space {best.space}, family {best.family}")
        table.add_row("model", describe_model(best.config))
        table.add_row("training", describe_training(best.config))
    if summary.latency is not None:
        table.add_row("predicting", Text(summary.latency.describe()))
    table.add_row("trials", f"{trials.completed} completed, {trials.pruned} pruned, {trials.failed} failed")
    table.add_row("time", show_seconds(summary.seconds))
    table.add_row("saved in", Text(str(invocation.folder) if best is None else summary.artifact))
    if has_report(invocation.folder):
        table.add_row("report", Text(str(invocation.folder / REPORT_FILE)))
    if summary.tracking.uri:
        waiting = f" ({count(summary.unsent, 'record')} still to be sent)" if summary.unsent else ""
        table.add_row("tracked in", Text(f"{summary.tracking.uri}{waiting}"))
    return table


def _describe_ensemble(ensemble: "EnsembleSummary") -> str:
    """Say what the final model is made of, and why."""
    calibrated = "" if ensemble.temperature == 1.0 else f"; temperature {ensemble.temperature:.3g}"
    if len(ensemble.shares) == 1:
        return f"the best trial, calibrated{calibrated}"
    shares = ", ".join(f"{share:.0%} of {number}" for number, share in ensemble.shares.items())
    gain = f"{show_number(ensemble.gain)} ± {show_number(ensemble.gain_error)}"
    return f"trials averaged ({shares}): a gain of {gain} on rows that did not choose them{calibrated}"


def _notes(summary: "SearchSummary") -> list[RenderableType]:
    notes = summary.notes[1:] if summary.stopped == "failures" else summary.notes  # the first one stands on top
    if not notes:
        return []
    lines: list[RenderableType] = [Text("Notes", style="bold")]
    lines += [Padding(Text(note), (0, 0, 0, 2)) for note in notes[:_MOST_NOTES]]
    hidden = len(notes) - _MOST_NOTES
    if hidden > 0:
        lines.append(Padding(Text(f"and {hidden} more in summary.json", style="dim"), (0, 0, 0, 2)))
    return [*lines, Text()]
