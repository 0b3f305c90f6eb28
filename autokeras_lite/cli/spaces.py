"""The commands `spaces list`, `show`, `check` and `schema`."""

import sys

import click

from autokeras_lite.cli.completing import complete_spaces


@click.group("spaces", short_help="List, show and check search spaces.")
def command() -> None:
    """List, show and check search spaces."""


@command.command("list")
def list_command() -> None:
    """List the search spaces that ship with the program."""
    from autokeras_lite.spaces.listing import list_spaces

    spaces = list_spaces()
    width = max(len(space.name) for space in spaces)
    kinds = max(len(", ".join(space.accepts)) for space in spaces)
    for space in spaces:
        click.echo(f"{space.name:<{width}}  {', '.join(space.accepts):<{kinds}}  {space.summary}")


@command.command("show")
@click.argument("name", metavar="NAME|FILE", shell_complete=complete_spaces)
def show_command(name: str) -> None:
    """Show the parameters, the layers and the ready configurations of a search space."""
    from autokeras_lite.cli.space_view import draw_space
    from autokeras_lite.cli.streams import make_console, show
    from autokeras_lite.spaces.load import load_space

    show(make_console(sys.stdout), draw_space(load_space(name)))


@command.command("check")
@click.argument("file", metavar="FILE|NAME", shell_complete=complete_spaces)
def check_command(file: str) -> None:
    """Check a search space: its form, its ranges, and whether its models can be built."""
    from autokeras_lite.models.check import check_space
    from autokeras_lite.models.registry import FAMILIES
    from autokeras_lite.report.wording import count, printable
    from autokeras_lite.spaces.load import load_space

    space = load_space(file)
    check_space(space, FAMILIES)
    ready = count(len(space.starts()), "ready configuration")
    click.echo(f"OK: {printable(file)}, family {space.family}, {count(len(space.parameters), 'parameter')}, {ready}")


@command.command("schema")
def schema_command() -> None:
    """Print the JSON schema of a search space file, for editors and other programs."""
    from autokeras_lite.cli.streams import print_json
    from autokeras_lite.spaces.load import json_schema

    print_json(json_schema())
