"""The command `list`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from autokeras_lite.search.state import SearchState

_BEGIN = "Begin with: autokeras-lite search data.csv --target COLUMN --time-limit 5m"


@click.command("list", short_help="List all searches: their state, best score and time.")
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(runs_dir: str, as_json: bool) -> None:
    """List all searches of the runs folder, the one that changed last first.

    Only what is needed of each is read; what is damaged is named with the reason.
    """
    import time

    from autokeras_lite.cli.streams import make_console, print_json, show
    from autokeras_lite.report.wording import one_line
    from autokeras_lite.search.state import Phase, list_states

    states = list_states(Path(runs_dir).expanduser())
    if as_json:
        print_json([state.to_json() for state in states])
        return
    whole = [state for state in states if state.phase is not Phase.DAMAGED]
    if not states:
        click.echo(f"There is no search in {runs_dir}. {_BEGIN}")
    if whole:
        show(make_console(sys.stdout), draw_list(whole, time.time()))
    for state in states:
        if state.phase is Phase.DAMAGED:
            click.echo(f"{one_line(state.name)} is damaged: {one_line(state.reason)}")


def draw_list(states: "Sequence[SearchState]", now: float) -> "Table":
    """Return a row for each search, as seen at `now` in seconds since the epoch."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from autokeras_lite.cli.state_view import STYLES, show_when
    from autokeras_lite.cli.words import show_seconds
    from autokeras_lite.report.wording import one_line, show_number

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("best", no_wrap=True, justify="right")
    table.add_column("metric", no_wrap=True)
    for number in ("trials", "time", "changed"):
        table.add_column(number, no_wrap=True, justify="right")
    for state in states:
        table.add_row(
            Text(one_line(state.name), style="bold"),
            Text(str(state.phase), style=STYLES[state.phase]),
            show_number(None if state.best is None else state.best.score),
            Text(one_line(state.metric)),
            f"{state.num_trials:,}",
            show_seconds(state.elapsed_seconds),
            show_when(state.changed, now),
        )
    return table
