"""The command `completion`."""

import click
from click.shell_completion import get_completion_class

_PROGRAM = "autokeras-lite"
_VARIABLE = "_AUTOKERAS_LITE_COMPLETE"  # in which click's scripts ask the program; click derives it from the name
_HELP = """Print a script with which Tab completes commands, options, searches, spaces and files.

\b
bash, a line for ~/.bashrc:
  eval "$(autokeras-lite completion bash)"
zsh, a line for ~/.zshrc, below compinit:
  eval "$(autokeras-lite completion zsh)"
fish, once:
  autokeras-lite completion fish > ~/.config/fish/completions/autokeras-lite.fish

Then open a new terminal. Names of columns are not completed: no data are read.
"""


@click.command("completion", help=_HELP, short_help="Print what makes a shell complete commands with Tab.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script for a shell."""
    script_type = get_completion_class(shell)
    assert script_type is not None, shell
    script = script_type(context.find_root().command, {}, _PROGRAM, _VARIABLE).source()
    click.echo(script, nl=False)
