"""A search as a person follows it, new or resumed: who watches it, what is printed at its end, the exit code."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli.exit_codes import ExitCode, code_of_end
from autokeras_lite.cli.functions import Result
from autokeras_lite.cli.places import is_search
from autokeras_lite.report.wording import printable

if TYPE_CHECKING:
    from autokeras_lite.cli.final import Invocation
    from autokeras_lite.search.observer import Observer


@dataclass(frozen=True)
class Manner:
    """How much a person wants to be told, and in which form."""

    as_json: bool
    is_quiet: bool
    is_verbose: bool

    def __post_init__(self) -> None:
        if self.is_quiet and self.is_verbose:
            raise click.UsageError("--quiet and --verbose contradict each other. Give one of them.")


def recall_invocation(folder: Path) -> "Invocation":
    """Return what the commands need that follow a search which was begun by another command line."""
    from autokeras_lite.cli.final import Invocation
    from autokeras_lite.search.folder import SearchFolder

    request = SearchFolder(folder).read_request()
    suffix = ".csv" if request is None or request.data is None else Path(request.data).suffix.lower()
    uri = None if request is None else request.config.get("place", {}).get("tracking_uri")
    return Invocation(folder, str(folder.parent), suffix, uri)


def run_and_print(work: "Callable[[Observer], Result]", manner: Manner, invocation: "Invocation") -> ExitCode:
    """Do the work of a search under the eyes of a person and print the result; return the exit code.

    What is left to do after a search that did not come to its end goes to standard error.
    """
    from autokeras_lite.cli.final import describe_end, print_final, resume_command
    from autokeras_lite.cli.streams import make_console, print_json, stdout_for_us_alone

    try:
        with stdout_for_us_alone(), _watched(manner) as observer:
            result = work(observer)
    except KeyboardInterrupt:
        again = f" Go on with: {resume_command(invocation)}" if is_search(invocation.folder) else ""
        click.echo(printable(f"Interrupted.{again}"), err=True)
        return ExitCode.INTERRUPTED
    invocation = replace(invocation, folder=result.folder)
    if manner.as_json:
        print_json(result.summary.to_json())
    else:
        print_final(make_console(sys.stdout), result.summary, invocation)
    for line in describe_end(result.summary, invocation):
        click.echo(printable(line), err=True)
    return code_of_end(result.summary.stopped)


@contextmanager
def _watched(manner: Manner) -> "Iterator[Observer]":
    """Yield who watches the search: nobody, a live display on a terminal, or a plain log elsewhere."""
    from autokeras_lite.cli.display import Display, say_above, shown_live
    from autokeras_lite.cli.plain import Detail, PlainLog
    from autokeras_lite.cli.streams import is_live, make_console
    from autokeras_lite.search.observer import SilentObserver

    console = make_console(sys.stderr)
    if manner.is_quiet:
        yield SilentObserver()
    elif is_live(console):
        log = PlainLog(say_above(console), detail=Detail.EVERYTHING if manner.is_verbose else Detail.NOTES)
        display = Display(log)
        with shown_live(display, console):
            yield display
    else:
        detail = Detail.EVERYTHING if manner.is_verbose else Detail.PROGRESS
        yield PlainLog(lambda line: click.echo(line, err=True), detail=detail)
