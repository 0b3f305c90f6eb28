"""The command `leaderboard`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.places import find_search

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from autokeras_lite.search.record import SearchSummary

_SHOWN = ("rank", "trial", "score", "status", "family", "epochs", "seconds", "parameters")
_ATTEMPTS = "attempts"  # shown where a trial had more than one
_WIDTH_WITH_ATTEMPTS = 84
_TOLD_FIRST = ("optimizer", "learning_rate", "batch_size", "weight_decay", "dropout", "depth", "width")
_WIDTH_OF_A_COLUMN = 12
_NARROW = 80


@click.command("leaderboard", short_help="List the trials of a search, best first.")
@options.search_name
@options.runs_dir
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Show N trials.")
@click.option("--json", "form", flag_value="json", help="Print every column of all trials as a JSON list.")
@click.option("--csv", "form", flag_value="csv", help="Print every column of all trials as CSV.")
@options.spreadsheet_safe
@click.pass_obj
@click.pass_context
def command(
    context: click.Context,
    functions: Functions,
    name: str,
    runs_dir: str,
    top: int,
    form: str | None,
    spreadsheet_safe: bool,
) -> None:
    """List the trials of the search NAME, best first.

    NAME is a name in the runs folder or the path of a search. With --json and --csv, --top counts only if it is given.
    """
    from autokeras_lite.cli.streams import print_csv, print_json

    folder = find_search(name, runs_dir)
    result = functions.load(folder)
    board = result.leaderboard()
    is_given = context.get_parameter_source("top") is not click.core.ParameterSource.DEFAULT
    shown = board.head(top) if form is None or is_given else board
    if form == "json":
        print_json(json.loads(shown.to_json(orient="records", double_precision=15)))
    elif form == "csv":
        print_csv(shown, is_spreadsheet_safe=spreadsheet_safe)
    elif len(board) == 0:
        click.echo(f"{result.summary.name}: no trial has finished{_hint(result.summary, folder)}")
    else:
        _print_table(shown, result.summary, len(board))
        if result.summary.stopped in ("interrupted", "unfinished"):
            click.echo(f"The search has not finished{_hint(result.summary, folder)}")


def _print_table(board: "pd.DataFrame", summary: "SearchSummary", num_trials: int) -> None:
    from autokeras_lite.cli.streams import make_console, show
    from autokeras_lite.report.wording import count, one_line

    console = make_console(sys.stdout)
    room = max(0, (console.width - _NARROW) // _WIDTH_OF_A_COLUMN)
    better = "higher" if summary.direction == "maximize" else "lower"
    console.print(f"{summary.name}: score is {summary.metric} on validation rows ({better} is better)")
    show(console, _table(board, [*_shown_columns(board, console.width), *_varied_columns(board)[:room]]))
    for trial, cause, message in _failures(board):
        console.print(f"trial {trial} failed, {cause}: {one_line(message)}", style="red", soft_wrap=True)
    if len(board) < num_trials:
        click.echo(f"{count(num_trials, 'trial')} in all; --top shows more, --csv and --json show everything.")


def _hint(summary: "SearchSummary", folder: Path) -> str:
    """Say how a search goes on that was stopped."""
    from autokeras_lite.cli.final import Invocation, resume_command
    from autokeras_lite.report.wording import printable

    command = resume_command(Invocation(folder, str(folder.parent)))
    return printable(f". Go on with: {command}") if summary.stopped else "."


def _shown_columns(board: "pd.DataFrame", width: int) -> list[str]:
    """Return the columns that every trial has; attempts take the place of the rank where there is no room for both."""
    if _ATTEMPTS not in board or not (board[_ATTEMPTS] > 1).any():
        return list(_SHOWN)
    return [*(_SHOWN if width >= _WIDTH_WITH_ATTEMPTS else _SHOWN[1:]), _ATTEMPTS]


def _table(board: "pd.DataFrame", columns: list[str]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from autokeras_lite.report.wording import show_number

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        is_varied = column not in (*_SHOWN, _ATTEMPTS)
        is_text = column in ("status", "family") or (is_varied and not _is_numeric(board, column))
        table.add_column(
            column.replace("_", " "),
            justify="left" if is_text else "right",
            no_wrap=not is_varied,
            overflow="ellipsis",
        )
    for row in board.to_dict("records"):
        cells = {**row, "score": show_number(row["score"]), "seconds": f"{row['seconds']:.1f}"}
        is_first = row["rank"] == 1
        table.add_row(*(_cell(cells[c]) for c in columns), style="bold green" if is_first else None)
    return table


def _varied_columns(board: "pd.DataFrame") -> list[str]:
    """Return the columns of the configuration in which the shown trials differ; a stack is too long to show."""
    from autokeras_lite.search.leaderboard import COLUMNS

    own = [
        str(name) for name in board.columns if name not in (*COLUMNS, _ATTEMPTS) and not str(name).startswith("stack")
    ]
    varied = [name for name in own if board[name].astype(str).nunique() > 1]
    return sorted(varied, key=lambda name: _TOLD_FIRST.index(name) if name in _TOLD_FIRST else len(_TOLD_FIRST))


def _is_numeric(board: "pd.DataFrame", column: str) -> bool:
    return board[column].dtype.kind in "iuf"


def _failures(board: "pd.DataFrame") -> list[tuple[Any, Any, Any]]:
    failed = board[board["status"] == "failed"]
    return list(zip(failed["trial"], failed["cause"], failed["message"], strict=True))


def _cell(value: Any) -> str:
    import pandas as pd

    from autokeras_lite.cli.words import show_value

    if pd.isna(value):
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else show_value(value)
