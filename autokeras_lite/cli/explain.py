"""The command `explain`."""

import sys
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_files
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.places import find_search

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from autokeras_lite.search.explain import Explanation
    from autokeras_lite.search.record import SearchSummary

_MOST_ROWS = 20
_BAR_WIDTH = 16


@click.command("explain", short_help="Say which columns and hyperparameters mattered.")
@options.search_name
@options.runs_dir
@click.option(
    "--data",
    metavar="FILE",
    shell_complete=complete_files,
    help="Labelled rows to judge by.  [default: the validation rows of the searched file]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    metavar="N",
    help="Shuffle columns for N seconds at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every row.")
@click.pass_obj
def command(functions: Functions, name: str, runs_dir: str, data: str | None, seconds: float, as_json: bool) -> None:
    """Say which columns the best model of the search NAME goes by, and which hyperparameters decided the scores.

    A column matters as much as the score drops when it is shuffled among the validation rows. NAME is a name in the
    runs folder or the path of a search, which need not have finished.
    """
    from autokeras_lite.cli.streams import print_json, stdout_for_us_alone

    with stdout_for_us_alone():
        result = functions.load(find_search(name, runs_dir))
        explanation = result.explain(data, seconds=seconds)
    if as_json:
        about = {"name": result.summary.name, "metric": result.summary.metric}
        print_json({**about, **explanation.to_json()})
    else:
        _print(explanation, result.summary)


def _print(explanation: "Explanation", summary: "SearchSummary") -> None:
    from rich.text import Text

    from autokeras_lite.cli.streams import make_console, show
    from autokeras_lite.report.wording import count, one_line

    console = make_console(sys.stdout)
    columns, parameters = explanation.columns, explanation.parameters
    if len(columns):
        title = f"{summary.name}: how much worse {summary.metric} is when a column is shuffled, and a 90 % interval"
        show(console, Text(title))
        show(console, _column_table(columns.head(_MOST_ROWS)))
        if len(columns) > _MOST_ROWS:
            click.echo(f"{count(len(columns), 'column')} in all; --json shows every one.")
    for space, rows in parameters.groupby("space", sort=False):
        show(console, Text(f"{space}: what decided which trials were best, as shares of 1"))
        show(console, _parameter_table(rows.head(_MOST_ROWS)))
        if len(rows) > _MOST_ROWS:
            click.echo(f"{count(len(rows), 'hyperparameter')} in all; --json shows every one.")
    for note in explanation.notes:
        show(console, Text(f"Note: {one_line(note)}"))


def _column_table(columns: "pd.DataFrame") -> "Table":
    from rich.text import Text

    from autokeras_lite.report.wording import one_line, show_number

    table = _table("column", "importance", "from", "to")
    most = float(columns["importance"].max())
    for row in columns.to_dict("records"):
        numbers = (show_number(row[name]) for name in ("importance", "low", "high"))
        table.add_row(Text(one_line(str(row["column"]))), *numbers, _bar(row["importance"], most))
    return table


def _parameter_table(parameters: "pd.DataFrame") -> "Table":
    from rich.text import Text

    table = _table("hyperparameter", "importance", "trials")
    most = float(parameters["importance"].max())
    for row in parameters.to_dict("records"):
        share = f"{row['importance']:.2f}"
        table.add_row(Text(str(row["parameter"])), share, f"{row['trials']:,}", _bar(row["importance"], most))
    return table


def _table(name: str, *numbers: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(name, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, style="green")
    return table


def _bar(value: float, most: float) -> str:
    """Draw how much a value is of the largest one; nothing for less than nothing."""
    return "█" * round(_BAR_WIDTH * max(0.0, value) / most) if most > 0 else ""
