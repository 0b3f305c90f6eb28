"""The command `report`."""

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.completing import complete_files
from autokeras_lite.cli.functions import Functions
from autokeras_lite.cli.places import find_search
from autokeras_lite.report.wording import printable


@click.command("report", short_help="Write everything about a search on one page.")
@options.search_name
@options.runs_dir
@click.option(
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="Where to write the page.  [default: report.html in its folder]",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.pass_obj
def command(functions: Functions, name: str, runs_dir: str, output: str | None, opens: bool) -> None:
    """Write what is known of the search NAME on one HTML page and print its path; its model card is written beside it.

    The page needs no network and no server: open it from disk, or send it to somebody. With --output only the page is
    written. NAME is a name in the runs folder or the path of a search, which need not have finished.
    """
    path = functions.load(find_search(name, runs_dir)).report(output)
    click.echo(printable(str(path)))
    if opens:
        click.launch(path.as_uri())
