"""Options that several commands share."""

import click

from autokeras_lite.cli.completing import complete_folders, complete_searches
from autokeras_lite.config import DEFAULT_RUNS_DIR

runs_dir = click.option(
    "--runs-dir",
    metavar="FOLDER",
    default=DEFAULT_RUNS_DIR,
    show_default=True,
    shell_complete=complete_folders,
    help="Folder that holds the searches.",
)
tracking_uri = click.option(
    "--tracking-uri", metavar="URI", help="MLflow server or database.  [default: mlflow.db in the runs folder]"
)
tensorboard = click.option(
    "--tensorboard",
    metavar="FOLDER",
    shell_complete=complete_folders,
    help="Also write event files for TensorBoard there.  [default: none]",
)
report = click.option(
    "--report",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Write everything about the search on one HTML page at its end, if its limit is a minute or more.",
)
search_name = click.argument("name", metavar="NAME", shell_complete=complete_searches)
spreadsheet_safe = click.option(
    "--spreadsheet-safe", is_flag=True, help="Put ' before texts in CSV that a spreadsheet would take for formulas."
)
result_as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object, and nothing else."
)
quiet = click.option("--quiet", is_flag=True, help="Print only the result.")
verbose = click.option("--verbose", is_flag=True, help="Print a line for every trial.")
