"""The command `predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_files
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.output_file import check_output, write_output
from autokeras_lite.cli.places import find_search
from autokeras_lite.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_PARQUET = ".parquet"
_SUFFIXES = (".csv", ".tsv", _PARQUET)


class _Wish(TypedDict):
    """What is written, and where."""

    output: str | None
    proba: bool
    overwrite: bool
    spreadsheet_safe: bool


@click.command("predict", short_help="Predict new rows with the best model.")
@options.search_name
@click.argument("new", metavar="NEW", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="A .csv, .tsv or .parquet file.  [default: CSV on standard output]",
)
@click.option("--proba", is_flag=True, help="Write the probability of each class instead of the likeliest one.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@options.spreadsheet_safe
@options.runs_dir
@click.pass_obj
def command(functions: Functions, name: str, new: str, runs_dir: str, **wish: Unpack[_Wish]) -> None:
    """Predict the rows of NEW with the best model of the search NAME.

    NAME is a name in the runs folder or the path of a search. NEW is a file of the kind that was searched; it needs no
    target. There is one line for each row, in the same order.

    Texts are written as they are. A label that begins with =, +, -, @ or a tab is a formula to a spreadsheet: if the
    labels of your data come from strangers, open the predictions there only after --spreadsheet-safe.
    """
    from autokeras_lite.cli.streams import print_csv, stdout_for_us_alone

    file = _file(wish["output"], new, wish["overwrite"])
    with stdout_for_us_alone():
        result = functions.load(find_search(name, runs_dir))
        predictions = result.predict_proba(new) if wish["proba"] else result.predict(new)
    if file is None:
        print_csv(predictions, is_spreadsheet_safe=wish["spreadsheet_safe"])
        return
    _write(predictions, file, is_spreadsheet_safe=wish["spreadsheet_safe"])
    click.echo(f"Wrote {len(predictions):,} predictions to {file}.", err=True)


def _file(output: str | None, new: str, is_replaced: bool) -> Path | None:
    """Refuse, before anything is loaded, a file that cannot or should not be written."""
    return None if output is None else _checked(Path(output).expanduser(), Path(new).expanduser(), is_replaced)


def _checked(file: Path, new: Path, is_replaced: bool) -> Path:
    if file.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"Output {str(file)!r} was given. Expected one of {', '.join(_SUFFIXES)}. Correct --output.")
    if file.exists() and new.exists() and file.samefile(new):
        raise ConfigError(f"Output {str(file)!r} is the file to predict. Expected another one. Correct --output.")
    check_output(file, is_replaced=is_replaced)
    return file


def _write(predictions: "pd.DataFrame", file: Path, *, is_spreadsheet_safe: bool) -> None:
    from autokeras_lite.data.spreadsheet import without_formulas

    suffix = file.suffix.lower()
    with write_output(file) as neighbour:
        if suffix == _PARQUET:
            predictions.to_parquet(neighbour, index=False)
        else:
            texts = without_formulas(predictions) if is_spreadsheet_safe else predictions
            texts.to_csv(neighbour, index=False, sep="," if suffix == ".csv" else "\t")
