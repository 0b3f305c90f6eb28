"""The command `completion`, and what a shell is offered."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from scripted_search import ScriptedFunctions
from search_on_disk import SearchOnDisk

from autokeras_lite.cli.main import COMMANDS, make_cli
from autokeras_lite.spaces.listing import shipped_names

VARIABLE = "_AUTOKERAS_LITE_COMPLETE"
NAMED = (
    "resume", "watch", "status", "leaderboard", "failures", "predict", "evaluate", "explain", "report", "export", "ui",
)  # fmt: skip


def offered(*words: str, incomplete: str = "") -> list[tuple[str, str]]:
    """Return what Tab offers behind these words: kind and value."""
    completion = ShellComplete(make_cli(ScriptedFunctions()), {}, "autokeras-lite", VARIABLE)
    return [(item.type, item.value) for item in completion.get_completions(list(words), incomplete)]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a runs folder with two searches and what else lies there; the working directory is above it."""
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "autokeras_lite_runs"
    for name in ("adult", "credit"):
        SearchOnDisk(runs, name).ask()
    (runs / "mlflow_artifacts").mkdir()
    return runs


def test_commands_are_offered() -> None:
    assert [value for _, value in offered()] == list(COMMANDS)
    assert offered(incomplete="wa") == [("plain", "watch")]
    assert ("plain", "show") in offered("spaces")


@pytest.mark.parametrize("command", NAMED)
def test_every_name_of_a_search_is_offered(runs: Path, command: str) -> None:
    assert offered(command) == [("plain", "adult"), ("plain", "credit")]
    assert offered(command, incomplete="cr") == [("plain", "credit")]
    assert offered(command, incomplete="autokeras_lite_runs/a") == [("dir", "autokeras_lite_runs/a")]


def test_the_runs_folder_that_stands_before_counts(runs: Path, tmp_path: Path) -> None:
    SearchOnDisk(tmp_path / "other", "wine").ask()
    assert offered("status", "--runs-dir", str(tmp_path / "other")) == [("plain", "wine")]
    assert offered("status", "--runs-dir", str(tmp_path / "none")) == []


def test_a_name_that_a_shell_would_take_apart_is_not_offered(runs: Path) -> None:
    for name in ("a b", "$(touch x)", "*", "-rf", "a\nb"):
        SearchOnDisk(runs, name).ask()
    assert offered("status") == [("plain", "adult"), ("plain", "credit")]


def test_spaces_are_offered_and_files_where_none_begins_so() -> None:
    assert offered("search", "data.csv", "--space") == [("plain", name) for name in shipped_names()]
    assert offered("search", "data.csv", "--space", incomplete="./my") == [("file", "./my")]
    assert offered("spaces", "show", incomplete="dense") == [("plain", "dense_stack")]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["search"], "file"),
        (["search", "data.csv", "--test"], "file"),
        (["search", "data.csv", "--validation"], "file"),
        (["predict", "adult"], "file"),
        (["predict", "adult", "new.csv", "-o"], "file"),
        (["evaluate", "adult"], "file"),
        (["explain", "adult", "--data"], "file"),
        (["list", "--runs-dir"], "dir"),
    ],
)
def test_files_and_folders_are_left_to_the_shell(words: list[str], kind: str) -> None:
    assert offered(*words, incomplete="ab") == [(kind, "ab")]


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_names_a_file_a_folder_or_a_search_is_completed(name: str) -> None:
    command = make_cli(ScriptedFunctions()).get_command(click.Context(click.Group()), name)
    assert command is not None
    context = click.Context(command, help_option_names=["-h", "--help"])
    for parameter in command.params:
        words = set(re.findall("[A-Z]+", parameter.metavar or ""))
        if words & {"FILE", "FOLDER", "DATA", "NEW", "TEST"}:
            assert parameter.shell_complete(context, "./a"), f"{name}: {parameter.name}"


def test_choices_and_options_are_offered_and_columns_are_not_read(tmp_path: Path) -> None:
    assert ("plain", "tpe") in offered("search", "data.csv", "--sampler")
    assert ("plain", "--time-limit") in offered("search", "data.csv", incomplete="--time")
    assert offered("search", str(tmp_path / "none.csv"), "--target") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_the_program_in_the_way_it_answers(shell: str) -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions()), ["completion", shell])
    assert outcome.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in outcome.stdout
    assert "autokeras-lite" in outcome.stdout


def test_other_shells_are_refused() -> None:
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions()), ["completion", "tcsh"])
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "bash" in outcome.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="There is no bash.")
def test_bash_itself_completes_the_name_of_a_search(runs: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "autokeras-lite"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m autokeras_lite "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(autokeras-lite completion bash)"
        COMP_WORDS=(autokeras-lite status a) COMP_CWORD=2
        _autokeras_lite_completion autokeras-lite
        echo "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("adult\n", "")
