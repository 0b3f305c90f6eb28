"""The command `search`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.functions import Functions, Result
from autokeras_lite.config import DEFAULT_SECONDS, EXECUTORS, SAMPLERS, SearchOptions
from autokeras_lite.tasks.task import TaskKind

if TYPE_CHECKING:
    from autokeras_lite.search.observer import Observer


def _default(what: str) -> str:
    return f"  [default: {what}]"


@click.command("search", short_help="Search for the best model for a data file.")
@click.argument("data", metavar="DATA")
@click.option("--target", multiple=True, metavar="COLUMN", help="Column to predict. Repeat it for several.")
@click.option(
    "--task",
    type=click.Choice([kind.value for kind in TaskKind]),
    help="What is asked." + _default("inferred from the target"),
)
@click.option(
    "--metric",
    metavar="NAME",
    help="Score to judge by: accuracy, balanced_accuracy, roc_auc, average_precision, f1, precision, recall, log_loss, "
    "rmse, mae, r2 or rmsle." + _default("one that fits the task"),
)
@click.option(
    "--space",
    multiple=True,
    metavar="NAME|FILE",
    help="Search space, shipped or your own TOML file. Repeat it for several."
    + _default("the shipped ones for such data"),
)
@click.option("--trials", type=int, metavar="N", help="Number of trials in total, as a limit.")
@click.option(
    "--time-limit",
    metavar="TIME",
    help="Wall-clock limit for the whole search, like 90s, 10m or 1h."
    + _default(f"{DEFAULT_SECONDS / 60:.0f}m, none with --trials"),
)
@click.option("--workers", type=int, metavar="N", help="Processes that train." + _default("what the machine carries"))
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of everything random.")
@click.option("--name", metavar="NAME", help="Name of this search." + _default("the name of the file"))
@options.runs_dir
@options.tracking_uri
@click.option(
    "--validation",
    metavar="FILE|FRACTION|K",
    help="Rows that judge: a file, a fraction of DATA, or K folds." + _default("0.2"),
)
@click.option("--group", metavar="COLUMN", help="Keep rows with the same value here on one side of the split.")
@click.option("--time-column", metavar="COLUMN", help="Judge by the latest rows in the order of this column.")
@click.option("--weight", metavar="COLUMN", help="Weight of each row.")
@click.option("--class-weight", type=click.Choice(["balanced"]), help="Weigh classes by their rarity.")
@click.option(
    "--sampler", type=click.Choice(SAMPLERS), default="tpe", show_default=True, help="How configurations are proposed."
)
@click.option(
    "--executor", type=click.Choice(EXECUTORS), default="process", show_default=True, help="Where trials run."
)
@click.option("--test", metavar="FILE", help="Labelled rows that score the best model at the very end.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object, and nothing else.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
@click.option("--verbose", is_flag=True, help="Print a line for every trial.")
@click.pass_obj
def command(
    functions: Functions,
    data: str,
    target: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **asked: Unpack[SearchOptions],
) -> None:
    """Search for the best Keras model for DATA: a CSV, TSV, Parquet or .npz file.

    A live display or a plain log of the search goes to standard error, the result to standard output. Without --trials
    and --time-limit a search takes ten minutes.
    """
    from autokeras_lite.cli.streams import print_json, stdout_for_us_alone

    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose contradict each other. Give one of them.")
    with stdout_for_us_alone(), _watched(is_quiet=quiet, is_verbose=verbose) as observer:
        result = functions.search(data, list(target) or None, observer=observer, **asked)
    if as_json:
        print_json(result.summary.to_json())
    else:
        _print_result(result, data, asked)


@contextmanager
def _watched(*, is_quiet: bool, is_verbose: bool) -> "Iterator[Observer]":
    """Yield who watches the search: nobody, a live display on a terminal, or a plain log elsewhere."""
    from autokeras_lite.cli.display import Display, shown_live
    from autokeras_lite.cli.plain import Detail, PlainLog
    from autokeras_lite.cli.streams import make_console
    from autokeras_lite.search.observer import SilentObserver

    console = make_console(sys.stderr)
    if is_quiet:
        yield SilentObserver()
    elif console.is_terminal and not console.is_dumb_terminal:
        log = PlainLog(console.print, detail=Detail.EVERYTHING if is_verbose else Detail.NOTES)
        display = Display(log)
        with shown_live(display, console):
            yield display
    else:
        detail = Detail.EVERYTHING if is_verbose else Detail.PROGRESS
        yield PlainLog(lambda line: click.echo(line, err=True), detail=detail)


def _print_result(result: Result, data: str, asked: SearchOptions) -> None:
    from autokeras_lite.cli.final import Invocation, print_final
    from autokeras_lite.cli.streams import make_console

    suffix = Path(data).suffix.lower()
    invocation = Invocation(result.folder, suffix, asked["runs_dir"], asked["tracking_uri"])
    print_final(make_console(sys.stdout), result.summary, invocation)
