"""The command `doctor`."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.functions import Functions

if TYPE_CHECKING:
    from autokeras_lite.cli.checks import Check

_MARKS = {"ok": ("OK", "green"), "warning": ("WARNING", "yellow"), "problem": ("PROBLEM", "bold red")}


@click.command("doctor", short_help="Look at this machine: what works, what does not.")
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
@click.pass_context
def command(context: click.Context, functions: Functions, runs_dir: str, as_json: bool) -> None:
    """Look at this machine: versions, memory, disk, and the device that models would train on.

    TensorFlow is loaded for that, which takes some seconds. The exit code is 1 where something essential is broken.
    """
    from autokeras_lite.cli.checks import check_machine, check_training
    from autokeras_lite.cli.streams import print_json, stdout_for_us_alone

    with stdout_for_us_alone():
        click.echo("Loading TensorFlow to see what it would train on ...", err=True)
        checks = [*check_machine(runs_dir), *check_training(functions.find_device)]
    num_problems = sum(check.state == "problem" for check in checks)
    if as_json:
        print_json({"ready": num_problems == 0, "checks": [asdict(check) for check in checks]})
    else:
        _print_checks(checks, num_problems)
    context.exit(1 if num_problems else 0)


def _print_checks(checks: "list[Check]", num_problems: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from autokeras_lite.cli.streams import make_console, show
    from autokeras_lite.report.wording import count

    console = make_console(sys.stdout)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        mark, style = _MARKS[check.state]
        found = Text(check.found)
        if check.fix:
            found.append(f"\n{check.fix}", style="cyan")
        table.add_row(Text(mark, style=style), check.name, found)
    show(console, table)
    verdict = f"{count(num_problems, 'problem')}: see above." if num_problems else "Ready to search."
    console.print(Text(verdict, style="bold red" if num_problems else "bold green"))
