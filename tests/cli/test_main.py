"""The program as a whole: its help, its exit codes, what it imports."""

import inspect
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from golden_files import check_golden
from loaded_packages import loaded_by_command
from scripted_search import ScriptedFunctions

from autokeras_lite import __version__, errors
from autokeras_lite.cli.functions import RealFunctions
from autokeras_lite.cli.main import make_cli

HEAVY = {"keras", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "psutil", "pydantic", "sklearn", "tensorflow"}
HEAVY |= {"jinja2", "plotly"}


def commands_of(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands_of(command, (*path, name))
        else:
            yield (*path, name), command


ALL_COMMANDS = dict(commands_of(make_cli(ScriptedFunctions())))


@pytest.mark.parametrize("path", ALL_COMMANDS, ids="-".join)
def test_help_is_as_recorded(path: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions()), [*path, "--help"], prog_name="autokeras-lite")
    assert outcome.exit_code == 0
    check_golden("-".join(("help", *path)), outcome.output)


@pytest.mark.parametrize("path", ALL_COMMANDS, ids="-".join)
def test_every_command_and_option_has_a_help_text(path: tuple[str, ...]) -> None:
    command = ALL_COMMANDS[path]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


REFUSALS = [
    (errors.ConfigError, 2),
    (errors.DataError, 2),
    (errors.TaskError, 2),
    (errors.SpaceError, 2),
    (errors.ArtifactError, 2),
    (errors.TrackingError, 2),
    (errors.TrialError, 1),
    (errors.StorageError, 5),
    (errors.InUseError, 4),
]


def test_every_kind_of_error_has_its_exit_code() -> None:
    assert {kind for kind, _ in REFUSALS} == set(errors.AutokerasLiteError.__subclasses__())


@pytest.mark.parametrize(("kind", "code"), REFUSALS)
def test_what_a_person_can_put_right_is_one_line_on_stderr(kind: type[Exception], code: int) -> None:
    functions = ScriptedFunctions(error=kind("7 came. Expected 8. Write 8."))
    outcome = CliRunner().invoke(make_cli(functions), ["search", "data.csv", "--target", "y"])
    assert (outcome.exit_code, outcome.stdout) == (code, "")
    assert outcome.stderr == "Error: 7 came. Expected 8. Write 8.\n"


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions(error=ZeroDivisionError("bug"))), ["search", "data.csv"])
    assert isinstance(outcome.exception, ZeroDivisionError)


def test_ctrl_c_ends_with_130_and_one_line() -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions(error=KeyboardInterrupt())), ["search", "data.csv"])
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("arguments", [["nonsense"], ["search"], ["search", "data.csv", "--nonsense"]])
def test_a_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions()), arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")


def test_the_fake_has_the_functions_of_the_program() -> None:
    for name in ("search", "resume", "load", "serve_ui", "find_device"):
        real, fake = (inspect.signature(getattr(kind, name)) for kind in (RealFunctions, ScriptedFunctions))
        assert list(real.parameters) == list(fake.parameters)


def test_the_version_is_that_of_the_package() -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions()), ["--version"])
    assert outcome.output == f"autokeras-lite {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["spaces", "list"], ["--version"]])
def test_help_and_lists_load_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by_command(arguments) & HEAVY


def test_python_m_autokeras_lite_is_the_program() -> None:
    command = [sys.executable, "-m", "autokeras_lite", "spaces", "show", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: Space 'nonsense' was given. Expected one of dense_stack, ")


def test_a_reader_that_has_gone_is_no_error() -> None:
    command = f"{sys.executable} -m autokeras_lite spaces schema | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{\n", "")
