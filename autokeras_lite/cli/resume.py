"""The command `resume`."""

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.places import find_search


@click.command("resume", short_help="Go on with a search that was stopped.")
@options.search_name
@options.runs_dir
@options.result_as_json
@options.quiet
@options.verbose
@click.pass_obj
@click.pass_context
def command(
    context: click.Context, functions: Functions, name: str, runs_dir: str, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Go on with the search NAME where it stopped, with the options it began with.

    NAME is a name in the runs folder or the path of a search. What was finished is not trained again, and the budget
    goes on counting. For more budget give the command of the search again, with --extend.
    """
    from autokeras_lite.cli.running import Manner, recall_invocation, run_and_print

    manner, folder = Manner(as_json, quiet, verbose), find_search(name, runs_dir)
    invocation = recall_invocation(folder)
    context.exit(run_and_print(lambda watcher: functions.resume(folder, observer=watcher), manner, invocation))
