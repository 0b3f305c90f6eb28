"""The command `failures`."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.functions import Functions, Result
from autokeras_lite.cli.places import find_search

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

_WIDE = 140  # from here on the way to the traceback has a column of its own


@click.command("failures", short_help="List the trials that failed, and why.")
@options.search_name
@options.runs_dir
@click.option("--json", "form", flag_value="json", help="Print a JSON list.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV.")
@options.spreadsheet_safe
@click.pass_obj
def command(functions: Functions, name: str, runs_dir: str, form: str | None, spreadsheet_safe: bool) -> None:
    """List the trials of the search NAME that failed: the cause, what was said, and where the traceback lies.

    NAME is a name in the runs folder or the path of a search, which need not have finished.
    """
    from autokeras_lite.cli.streams import print_csv, print_json

    result = functions.load(find_search(name, runs_dir))
    failed = result.failures().sort_values("trial")
    if form == "json":
        print_json(json.loads(failed.to_json(orient="records")))
    elif form == "csv":
        print_csv(failed, is_spreadsheet_safe=spreadsheet_safe)
    elif len(failed) == 0:
        click.echo("No trial failed.")
    else:
        _print_table(failed, result)


def _print_table(failed: "pd.DataFrame", result: Result) -> None:
    from rich.text import Text

    from autokeras_lite.cli.streams import make_console, show

    console, runs = make_console(sys.stdout), result.folder.parent
    places = [_shortest(place, runs) for place in failed["traceback"]]
    show(console, Text(_headline(failed, result)))
    show(console, _table(failed, places, is_wide=console.width >= _WIDE))
    if any(place and not Path(place).is_absolute() for place in places):
        console.print(f"Tracebacks lie below {runs}", soft_wrap=True)


def _headline(failed: "pd.DataFrame", result: Result) -> str:
    from dataclasses import asdict

    from autokeras_lite.report.wording import count

    by_cause = failed["cause"].value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    told = ", ".join(f"{number} {cause}" for cause, number in by_cause.items())
    num_trials = sum(asdict(result.summary.trials).values())
    return f"{result.summary.name}: {len(failed):,} of {count(num_trials, 'trial')} failed: {told}"


def _shortest(traceback: str, runs: Path) -> str:
    """Return the path of a traceback as it is or from the folder of the searches, whichever is shorter."""
    return min(traceback, os.path.relpath(traceback, runs), key=len) if traceback else ""


def _table(failed: "pd.DataFrame", places: list[str], *, is_wide: bool) -> "Table":
    """Return a row for each trial; on a narrow terminal its traceback stands below what was said."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from autokeras_lite.report.wording import one_line

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column("cause", no_wrap=True, style="red")
    table.add_column("attempts", justify="right", no_wrap=True)
    table.add_column("what was said" if is_wide else "what was said, and the traceback", overflow="fold")
    if is_wide:
        table.add_column("traceback", overflow="fold", style="dim")
    for row, place in zip(failed.to_dict("records"), places, strict=True):
        said = one_line(row["message"])
        cells = (str(row["trial"]), str(row["cause"]), str(row["attempts"]))
        if is_wide:
            table.add_row(*cells, said, place)
        else:
            table.add_row(*cells, Text.assemble(said, "\n" if said and place else "", (place, "dim")))
    return table
