"""The program `autokeras-lite`: its commands, and what becomes of their errors."""

import io
import sys
import time
from importlib import import_module

import click

from autokeras_lite import __version__
from autokeras_lite.cli.exit_codes import MEANINGS, ExitCode, code_of_error
from autokeras_lite.cli.functions import Functions, RealFunctions
from autokeras_lite.errors import AutokerasLiteError
from autokeras_lite.report.wording import printable

# Each command stands in the module of its name and is imported when it is asked for.
COMMANDS = (
    "search", "resume", "watch", "status", "list", "leaderboard", "failures", "predict", "evaluate", "explain",
    "report", "export", "spaces", "ui", "doctor", "completion",
)  # fmt: skip
_BEGIN = "Begin with: autokeras-lite search data.csv --target COLUMN --time-limit 5m"


def main() -> None:
    """Run the program with the arguments of this process, and end the process."""
    started = time.monotonic()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without these characters gets question marks
    make_cli(RealFunctions(started)).main(prog_name="autokeras-lite")


def make_cli(functions: Functions) -> click.Group:
    """Return the program; its commands do their work with `functions`."""
    settings = {"obj": functions, "help_option_names": ["-h", "--help"], "max_content_width": 100}
    group = _LazyGroup(
        name="autokeras-lite",
        context_settings=settings,
        help="Find the best Keras model that your data supports, within the time you give.",
        epilog=f"\b\n{_exit_codes()}\n\n\b\n{_BEGIN}",
    )
    version = click.version_option(__version__, package_name="autokeras_lite", message="autokeras-lite %(version)s")
    return version(group)


def _exit_codes() -> str:
    lines = [f"  {code:<3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\n".join(["Exit codes:", *lines])


class _LazyGroup(click.Group):
    """Imports a command when it is asked for, and puts what a person can put right into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"autokeras_lite.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except AutokerasLiteError as error:
            click.echo(f"Error: {printable(str(error))}", err=True)
            ctx.exit(code_of_error(error))
        except click.UsageError as error:
            raise click.UsageError(printable(error.format_message()), error.ctx) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(ExitCode.INTERRUPTED)
