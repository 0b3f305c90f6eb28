"""The command `watch`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokeras_lite.cli import options
from autokeras_lite.cli.exit_codes import ExitCode
from autokeras_lite.cli.interrupts import every_end_as_interrupt
from autokeras_lite.cli.places import find_search

if TYPE_CHECKING:
    from autokeras_lite.search.state import SearchState


@click.command("watch", short_help="Follow a search that runs in another terminal.")
@options.search_name
@options.runs_dir
@click.pass_context
def command(context: click.Context, name: str, runs_dir: str) -> None:
    """Follow the search NAME, which another process runs, until it ends; then print its result.

    NAME is a name in the runs folder or the path of a search. Only its folder is read, once a second, and Ctrl-C ends
    the watching, not the search. Where there is no terminal a line tells what has changed. The exit code is that of
    the search.
    """
    from autokeras_lite.cli.final import Invocation, command_line
    from autokeras_lite.cli.streams import make_console
    from autokeras_lite.cli.watch_view import follow
    from autokeras_lite.report.wording import printable
    from autokeras_lite.search.state import StateReader

    folder = find_search(name, runs_dir)
    try:
        with every_end_as_interrupt():
            state = follow(StateReader(folder).read, make_console(sys.stdout))
    except KeyboardInterrupt:
        again = command_line("watch", Invocation(folder, str(folder.parent)))
        click.echo(printable(f"Stopped watching; the search goes on. Watch it again with: {again}"), err=True)
        context.exit(ExitCode.DONE)
    context.exit(_print_end(state, folder))


def _print_end(state: "SearchState", folder: Path) -> ExitCode:
    """Print the result of a search that has ended, or how one goes on that was killed; return its exit code."""
    from autokeras_lite.cli.exit_codes import code_of_end
    from autokeras_lite.cli.final import describe_end, print_final
    from autokeras_lite.cli.running import recall_invocation
    from autokeras_lite.cli.state_view import describe_phase, describe_trial, next_step
    from autokeras_lite.cli.streams import make_console
    from autokeras_lite.report.wording import count, one_line, printable
    from autokeras_lite.search.folder import SearchFolder

    invocation, summary = recall_invocation(folder), SearchFolder(folder).read_summary()
    if summary is not None and summary.stopped != "unfinished":
        print_final(make_console(sys.stdout), summary, invocation)
        for line in describe_end(summary, invocation):
            click.echo(printable(line), err=True)
        return code_of_end(summary.stopped)
    best = "" if state.best is None else f", best {describe_trial(state.best, state.metric)}"
    kept = f"{count(state.num_trials, 'trial')} are kept" if state.num_trials != 1 else "1 trial is kept"
    click.echo(one_line(f"{state.name}: {describe_phase(state)}. {kept}{best}."))
    line, purpose = next_step(state, invocation)
    click.echo(printable(f"Go on with: {line}" if line else purpose))
    return code_of_end("unfinished")
