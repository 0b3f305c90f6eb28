"""The command `status`."""

import sys
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.places import find_search

if TYPE_CHECKING:
    from pathlib import Path

    from autokeras_lite.search.state import SearchState


@click.command("status", short_help="Say where a search stands.")
@options.search_name
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(name: str, runs_dir: str, as_json: bool) -> None:
    """Say where the search NAME stands: running, finished, interrupted, killed; its budget, its trials, its best score.

    NAME is a name in the runs folder or the path of a search. Only its folder is read; a search that runs notices
    nothing.
    """
    from autokeras_lite.cli.streams import print_json
    from autokeras_lite.search.state import read_state

    folder = find_search(name, runs_dir)
    state = read_state(folder)
    if as_json:
        print_json(state.to_json())
    else:
        _print(state, folder)


def _print(state: "SearchState", folder: "Path") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from autokeras_lite.cli.final import Invocation
    from autokeras_lite.cli.state_view import STYLES, describe_task, next_step
    from autokeras_lite.cli.streams import make_console, show
    from autokeras_lite.report.wording import one_line

    console, about = make_console(sys.stdout), describe_task(state)
    show(console, Text.assemble((one_line(state.name), "bold"), f": {about}" if about else ""))
    facts = _facts(state)
    table, width = Table.grid(padding=(0, 2)), max(len("folder"), *(len(what) for what, _ in facts))
    table.add_column(style="dim", no_wrap=True, min_width=width)
    table.add_column(overflow="fold")
    for what, told in facts:
        table.add_row(what, Text(told, style=STYLES[state.phase] if what == "state" else ""))
    show(console, Padding(table, (1, 0, 0, 2)))
    console.print(Text.assemble((f"  {'folder':<{width}}", "dim"), f"  {state.folder}\n"), soft_wrap=True)
    line, purpose = next_step(state, Invocation(folder, str(folder.parent)))
    show(console, Text("Next", style="bold"))
    step = Text.assemble("  ", (line, "cyan"), (f"  # {purpose}", "dim")) if line else Text(f"  {purpose}")
    console.print(step, soft_wrap=True)


def _facts(state: "SearchState") -> list[tuple[str, str]]:
    """Return what there is to say of a search, line by line."""
    import time

    from autokeras_lite.cli.state_view import (
        describe_counts,
        describe_driver,
        describe_failure,
        describe_phase,
        describe_trial,
        describe_trials_of,
    )
    from autokeras_lite.report.wording import count, show_number

    training = [f"cohort {one.number}: {describe_trials_of(one)}" for one in state.training]
    baselines = ", ".join(f"{name.replace('_', ' ')} {show_number(score)}" for name, score in state.baselines.items())
    facts = [
        ("state", describe_phase(state)),
        ("driver", describe_driver(state)),
        ("training", "\n".join(training)),
        ("now", state.doing),
        ("best", "none yet" if state.best is None else describe_trial(state.best, state.metric)),
        ("baselines", baselines),
        ("trials", describe_counts(state)),
        ("last failure", describe_failure(state)),
        ("to be sent", count(state.unsent, "record") if state.unsent else ""),
        ("changed", time.strftime("%F %T", time.localtime(state.changed))),
    ]
    return [(what, told) for what, told in facts if told]
