"""The command `search`."""

import math
import shlex
from pathlib import Path
from typing import Unpack

import click
from click.core import ParameterSource

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_files, complete_spaces
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.sections import SectionedCommand
from autokeras_lite.config import DEFAULT_ENSEMBLE, DEFAULT_SECONDS, EXECUTORS, SAMPLERS, SearchOptions, parse_duration
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.tracking.uri import mask

_MUCH_LONGER = 4
_GIVEN_ANEW = ("time_limit", "extend", "as_json", "quiet", "verbose")
_SECTIONS = {
    "target": "What is asked",
    "validation": "Rows that judge",
    "trials": "Budget",
    "space": "What is tried",
    "workers": "Machine",
    "name": "Where it is kept",
    "as_json": "Output",
}


def _default(what: str) -> str:
    return f"  [default: {what}]"


@click.command(
    "search", cls=SectionedCommand, sections=_SECTIONS, short_help="Search for the best model for a data file."
)
@click.argument("data", metavar="DATA", shell_complete=complete_files)
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
@click.option("--weight", metavar="COLUMN", help="Weight of each row.")
@click.option("--class-weight", type=click.Choice(["balanced"]), help="Weigh classes by their rarity.")
@click.option(
    "--validation",
    metavar="FILE|FRACTION|K|KxN",
    shell_complete=complete_files,
    help="Rows that judge: a file, a fraction of DATA, K folds, or K folds dealt N times; auto goes by the number of "
    "rows." + _default("auto"),
)
@click.option("--group", metavar="COLUMN", help="Keep rows with the same value here on one side of the split.")
@click.option("--time-column", metavar="COLUMN", help="Judge by the latest rows in the order of this column.")
@click.option(
    "--test",
    metavar="FILE",
    shell_complete=complete_files,
    help="Labelled rows that score the best model at the very end.",
)
@click.option(
    "--trials", type=int, metavar="N", help="Number of trials in total, as a limit; failed ones do not count."
)
@click.option(
    "--time-limit",
    metavar="TIME",
    help="Wall-clock limit for the whole search, like 90s, 10m or 1h."
    + _default(f"{DEFAULT_SECONDS / 60:.0f}m, none with --trials"),
)
@click.option(
    "--extend",
    is_flag=True,
    help="Give the search of this name more budget: go on with a higher --trials or --time-limit, both in total.",
)
@click.option(
    "--space",
    multiple=True,
    metavar="NAME|FILE",
    shell_complete=complete_spaces,
    help="Search space, shipped or your own TOML file. Repeat it for several."
    + _default("the shipped ones for such data"),
)
@click.option(
    "--sampler", type=click.Choice(SAMPLERS), default="tpe", show_default=True, help="How configurations are proposed."
)
@click.option(
    "--ensemble",
    metavar="off|N",
    default=str(DEFAULT_ENSEMBLE),
    show_default=True,
    help="The most trials whose predictions the final model averages, unless that is worse.",
)
@click.option(
    "--refit",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Train what the final model is made of again on all rows, after folds.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of everything random.")
@click.option("--workers", type=int, metavar="N", help="Processes that train." + _default("what the machine carries"))
@click.option(
    "--threads", type=int, metavar="N", help="Threads of each worker." + _default("the cores, divided by the workers")
)
@click.option(
    "--memory-limit",
    metavar="SIZE",
    help="Memory that a worker may take beside the loaded libraries, like 800m or 2g."
    + _default("most of the free memory, divided by the workers"),
)
@click.option(
    "--trial-time-limit",
    metavar="TIME",
    help="How long a trial, or those that train together, may take; then they stop after an epoch." + _default("none"),
)
@click.option(
    "--gpu-memory",
    type=float,
    metavar="FRACTION",
    help="Part of a GPU's memory that a worker may take, like 0.5."
    + _default("what it needs, an equal part where there are several"),
)
@click.option(
    "--executor", type=click.Choice(EXECUTORS), default="process", show_default=True, help="Where trials run."
)
@click.option("--name", metavar="NAME", help="Name of this search." + _default("the name of the file"))
@options.runs_dir
@options.tracking_uri
@options.tensorboard
@options.report
@options.result_as_json
@options.quiet
@options.verbose
@click.pass_obj
@click.pass_context
def command(
    context: click.Context,
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
    and --time-limit a search takes ten minutes. Ctrl-C ends it early, with the best model so far; the same command, or
    autokeras-lite resume NAME, goes on.
    """
    from autokeras_lite.cli.final import Invocation
    from autokeras_lite.cli.running import Manner, run_and_print
    from autokeras_lite.data.read import infer_name

    manner = Manner(as_json, quiet, verbose)
    runs_dir, uri = asked["runs_dir"], asked["tracking_uri"]
    folder = Path(runs_dir).expanduser() / (asked["name"] or infer_name(data, target))
    invocation = Invocation(folder, runs_dir, Path(data).suffix.lower(), uri, _with_more_time(context))
    code = run_and_print(
        lambda watcher: functions.search(data, list(target) or None, observer=watcher, **asked), manner, invocation
    )
    context.exit(code)


def _with_more_time(context: click.Context) -> str:
    """Return this command line with `--extend` and a longer time limit."""
    words = ["autokeras-lite", "search"]
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in _GIVEN_ANEW or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        several = context.params[name] if parameter.multiple else [context.params[name]]
        for value in several:
            flag = parameter.opts[:1] if isinstance(parameter, click.Option) else []
            words += [*flag, mask(str(value)) if name == "tracking_uri" else str(value)]
    limit = context.params["time_limit"]
    seconds = max(DEFAULT_SECONDS, 0 if limit is None else _MUCH_LONGER * parse_duration(limit))
    return shlex.join([*words, "--extend", "--time-limit", f"{math.ceil(seconds / 60)}m"])
