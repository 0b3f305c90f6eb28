"""The command `predict`."""

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.places import find_search
from autokeras_lite.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".tsv", ".parquet")


@click.command("predict", short_help="Predict new rows with the best model.")
@options.search_name
@click.argument("new", metavar="NEW")
@click.option(
    "-o", "--output", metavar="FILE", help="A .csv, .tsv or .parquet file.  [default: CSV on standard output]"
)
@click.option("--proba", is_flag=True, help="Write the probability of each class instead of the likeliest one.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@options.runs_dir
@click.pass_obj
def command(
    functions: Functions, name: str, new: str, output: str | None, proba: bool, overwrite: bool, runs_dir: str
) -> None:
    """Predict the rows of NEW with the best model of the search NAME.

    NAME is a name in the runs folder or the path of a search. NEW is a file of the kind that was searched; it needs no
    target. There is one line for each row, in the same order.
    """
    from autokeras_lite.cli.streams import stdout_for_us_alone

    file = None if output is None else _checked(Path(output).expanduser(), Path(new).expanduser(), overwrite)
    with stdout_for_us_alone():
        result = functions.load(find_search(name, runs_dir))
        predictions = result.predict_proba(new) if proba else result.predict(new)
    if file is None:
        click.echo(predictions.to_csv(index=False), nl=False)
        return
    _write(predictions, file)
    click.echo(f"Wrote {len(predictions):,} predictions to {file}.", err=True)


def _checked(file: Path, new: Path, is_replaced: bool) -> Path:
    """Refuse, before anything is loaded, a file that cannot or should not be written."""
    if file.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"Output {str(file)!r} was given. Expected one of {', '.join(_SUFFIXES)}. Correct --output.")
    if not file.parent.is_dir():
        raise ConfigError(
            f"The folder {str(file.parent)!r} does not exist. Expected one. Make it, or correct --output."
        )
    if file.exists() and new.exists() and file.samefile(new):
        raise ConfigError(f"Output {str(file)!r} is the file to predict. Expected another one. Correct --output.")
    if file.is_dir() or (file.exists() and not is_replaced):
        raise ConfigError(f"Output {str(file)!r} exists. Expected a new file. Choose another, or give --overwrite.")
    return file


def _write(predictions: "pd.DataFrame", file: Path) -> None:
    """Write the whole file or nothing: to a neighbour, which then takes its name."""
    neighbour = file.with_name(f".{file.stem}.{uuid4().hex}{file.suffix}")
    try:
        if file.suffix.lower() == ".parquet":
            predictions.to_parquet(neighbour, index=False)
        else:
            predictions.to_csv(neighbour, index=False, sep="," if file.suffix.lower() == ".csv" else "\t")
        neighbour.replace(file)
    except OSError as error:
        raise ConfigError(
            f"Output {str(file)!r} cannot be written: {error.strerror}. Expected a writable place. Correct --output."
        ) from error
    finally:
        neighbour.unlink(missing_ok=True)
