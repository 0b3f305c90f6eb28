"""The command `ui`."""

from pathlib import Path

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_searches
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.interrupts import every_end_as_interrupt
from autokeras_lite.cli.places import is_path
from autokeras_lite.report.wording import printable


@click.command("ui", short_help="Compare trials in the MLflow UI.")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_searches)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="First port that is tried; the next free one is taken.  [default: 5000]",
)
@options.runs_dir
@options.tracking_uri
@click.pass_obj
def command(functions: Functions, name: str | None, port: int | None, runs_dir: str, tracking_uri: str | None) -> None:
    """Open the MLflow UI, on this machine only; with NAME, on the comparison of the trials of that search.

    NAME is a name in the runs folder or the path of a search. The address goes to standard output. The server runs
    until Ctrl-C.
    """
    if name is not None and is_path(name):
        runs_dir, name = str(Path(name).parent), Path(name).name
    click.echo("Starting the MLflow UI ...", err=True)
    with every_end_as_interrupt():  # the server must not outlive this process
        server = functions.serve_ui(runs_dir, port=port, tracking_uri=tracking_uri, name=name)
        try:
            click.echo(printable(server.start_url))
            if (best := server.best_url) is not None:
                click.echo(f"The best ones side by side: {printable(best)}", err=True)
            if server.process is not None:
                click.echo("Open this address in a browser. Ctrl-C stops the server.", err=True)
            server.wait()
        except KeyboardInterrupt:
            click.echo("\nStopped.", err=True)
        finally:
            server.stop()
