"""What a shell offers where Tab is pressed: names of searches and of spaces, files, folders. No data are read."""

import re
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from autokeras_lite.cli.places import is_path, known_searches
from autokeras_lite.config import DEFAULT_RUNS_DIR

# A shell would take other names apart.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Items = list[CompletionItem[str]]


def complete_searches(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the searches in the runs folder, which may have been given before; folders where a path begins."""
    if is_path(incomplete):
        return complete_folders(context, parameter, incomplete)
    return _named(known_searches(context.params.get("runs_dir") or DEFAULT_RUNS_DIR), incomplete)


def complete_spaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the spaces that ship with the program; files where what was typed is none of them."""
    from autokeras_lite.spaces.listing import shipped_names

    return _named(shipped_names(), incomplete) or complete_files(context, parameter, incomplete)


def complete_files(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Leave it to the shell to offer files."""
    return [CompletionItem(incomplete, type="file")]


def complete_folders(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Leave it to the shell to offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def _named(names: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and _PLAIN_NAME.fullmatch(name)]
