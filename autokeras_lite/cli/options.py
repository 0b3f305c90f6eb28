"""Options that several commands share."""

import click

from autokeras_lite.config import DEFAULT_RUNS_DIR

runs_dir = click.option(
    "--runs-dir", metavar="FOLDER", default=DEFAULT_RUNS_DIR, show_default=True, help="Folder that holds the searches."
)
tracking_uri = click.option(
    "--tracking-uri", metavar="URI", help="MLflow server or database.  [default: mlflow.db in the runs folder]"
)
search_name = click.argument("name", metavar="NAME")
