"""The command `export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_files
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.output_file import check_output, write_output
from autokeras_lite.cli.places import find_search

if TYPE_CHECKING:
    import pandas as pd

_FORMS = ("csv", "jsonl")


@click.command("export", short_help="Write all trials to a file, as CSV or JSON lines.")
@options.search_name
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="The file to write.  [default: standard output]",
)
@click.option("--format", "form", type=click.Choice(_FORMS), default="csv", show_default=True, help="What is written.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@options.spreadsheet_safe
@options.runs_dir
@click.pass_obj
def command(
    functions: Functions,
    name: str,
    runs_dir: str,
    output: str | None,
    form: str,
    overwrite: bool,
    spreadsheet_safe: bool,
) -> None:
    """Write every trial of the search NAME: how it ended, its score, its time and its configuration.

    NAME is a name in the runs folder or the path of a search, finished or not. There is a line for each trial, in the
    order of the trials. Configurations are flat: structure.* shapes the network, recipe.* is only numbers to it. JSON
    lines have the learning curves too.
    """
    from autokeras_lite.cli.streams import print_csv

    file = None if output is None else Path(output).expanduser()
    if file is not None:
        check_output(file, is_replaced=overwrite)
    folder = find_search(name, runs_dir)
    if form == "jsonl":
        lines = list(functions.trial_lines(folder))
        text, number = "".join(f"{line}\n" for line in lines), len(lines)
        if file is None:
            click.echo(text, nl=False)
    else:
        frame = functions.load(folder).trials
        text, number = _as_csv(frame, is_spreadsheet_safe=spreadsheet_safe), len(frame)
        if file is None:
            print_csv(frame, is_spreadsheet_safe=spreadsheet_safe)
    if file is not None:
        with write_output(file) as neighbour:
            neighbour.write_text(text, encoding="utf-8", newline="")
        click.echo(f"Wrote {number:,} trials to {file}.", err=True)


def _as_csv(frame: "pd.DataFrame", *, is_spreadsheet_safe: bool) -> str:
    from autokeras_lite.data.spreadsheet import without_formulas

    return (without_formulas(frame) if is_spreadsheet_safe else frame).to_csv(index=False)
