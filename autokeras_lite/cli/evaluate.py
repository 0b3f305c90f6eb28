"""The command `evaluate`."""

import sys

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_files
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.places import find_search


@click.command("evaluate", short_help="Score the best model on labelled rows.")
@options.search_name
@click.argument("test", metavar="TEST", shell_complete=complete_files)
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(functions: Functions, name: str, test: str, runs_dir: str, as_json: bool) -> None:
    """Score the best model of the search NAME on the labelled rows of TEST.

    NAME is a name in the runs folder or the path of a search. The metric of the search stands first.
    """
    from autokeras_lite.cli.streams import make_console, print_json, show, stdout_for_us_alone
    from autokeras_lite.report.wording import show_number

    with stdout_for_us_alone():
        result = functions.load(find_search(name, runs_dir))
        scores = result.evaluate(test)
    pairs = [(str(metric), float(score)) for metric, score in zip(scores["metric"], scores["score"], strict=True)]
    if as_json:
        print_json({"name": result.summary.name, "metric": result.summary.metric, "scores": dict(pairs)})
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("metric", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("score", justify="right")
    for metric, score in pairs:
        style = "bold green" if metric == result.summary.metric else None
        table.add_row(metric, show_number(score), style=style)
    show(make_console(sys.stdout), table)
