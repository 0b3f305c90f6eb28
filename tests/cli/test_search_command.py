"""The command `search`: what it asks for, and what it prints where."""

import json
import math
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from scripted_search import ScriptedFunctions, with_score

from autokeras_lite.cli.main import make_cli
from autokeras_lite.cli.search import command
from autokeras_lite.config import SearchOptions
from autokeras_lite.tasks.metrics import METRICS

BASIC = ["search", "adult.csv", "--target", "income"]


def run(functions: ScriptedFunctions, *arguments: str) -> Result:
    return CliRunner().invoke(make_cli(functions), [*BASIC, *arguments])


def test_every_option_of_a_search_reaches_the_search() -> None:
    functions = ScriptedFunctions()
    given = {
        "task": "binary", "metric": "f1", "time_limit": "5m", "name": "mine", "runs_dir": "runs",
        "tracking_uri": "http://localhost:5000", "validation": "5", "group": "g", "time_column": "t", "weight": "w",
        "class_weight": "balanced", "sampler": "random", "executor": "inline", "test": "test.csv",
        "memory_limit": "2g", "trial_time_limit": "90s", "ensemble": "off", "refit": "off", "tensorboard": "boards",
        "report": "off",
    }  # fmt: skip
    flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]
    numbers = ["--trials", "7", "--workers", "3", "--seed", "9", "--space", "a", "--space", "b.toml"]
    numbers += ["--threads", "2", "--gpu-memory", "0.5", "--extend"]
    assert run(functions, *flags, *numbers).exit_code == 0
    expected = {**given, "trials": 7, "workers": 3, "seed": 9, "space": ("a", "b.toml")}
    expected |= {"threads": 2, "gpu_memory": 0.5, "extend": True}
    assert functions.calls == [("search", "adult.csv", ["income"], expected)]
    assert set(expected) == set(get_type_hints(SearchOptions))


def test_without_options_the_search_gets_the_defaults_of_its_config() -> None:
    functions = ScriptedFunctions()
    CliRunner().invoke(make_cli(functions), ["search", "digits.npz"])
    (_, data, target, options) = functions.calls[0]
    assert (data, target) == ("digits.npz", None)
    given = {name: value for name, value in options.items() if value not in (None, ())}
    defaults = {"seed": 0, "runs_dir": "autokeras_lite_runs", "sampler": "tpe", "executor": "process", "extend": False}
    defaults |= {"ensemble": "8", "refit": "on", "report": "on"}
    assert given == defaults


def test_the_help_names_every_metric() -> None:
    text = next(option.help for option in command.params if option.name == "metric")
    assert all(metric in text for metric in METRICS)


def test_json_is_one_object_with_the_promised_keys_and_nothing_else() -> None:
    outcome = run(ScriptedFunctions(), "--json")
    values = json.loads(outcome.stdout)
    promised = {"name", "task", "metric", "direction", "best", "trials", "seconds", "baselines", "artifact", "tracking"}
    assert promised <= set(values)
    assert {"trial", "family", "config", "validation_score", "test_score"} <= set(values["best"])
    assert set(values["trials"]) == {"completed", "pruned", "failed"}
    assert set(values["tracking"]) == {"uri", "experiment_id", "run_id"}
    assert values["baselines"]["linear"] == 0.9013


def test_json_has_null_for_a_number_that_is_none() -> None:
    outcome = run(ScriptedFunctions(result=with_score(math.nan)), "--json")
    assert json.loads(outcome.stdout)["best"]["validation_score"] is None


def test_the_log_goes_to_stderr_and_the_result_to_stdout() -> None:
    outcome = run(ScriptedFunctions())
    assert outcome.stdout.startswith("adult: binary, roc_auc on validation rows")
    assert "trial 8 is the best so far" in outcome.stderr
    assert "a stray line of a library" in outcome.stderr


def test_quiet_leaves_only_the_result() -> None:
    outcome = run(ScriptedFunctions(), "--quiet")
    assert outcome.stdout == run(ScriptedFunctions()).stdout
    assert outcome.stderr == "a stray line of a library\n"


def test_verbose_has_a_line_for_every_trial() -> None:
    lines = run(ScriptedFunctions(), "--verbose").stderr.splitlines()
    ended = [line for line in lines if " trial " in line and "begins" not in line]
    assert len(ended) == 9


def test_quiet_and_verbose_are_not_given_together() -> None:
    functions = ScriptedFunctions()
    outcome = run(functions, "--quiet", "--verbose")
    assert outcome.exit_code == 2
    assert functions.calls == []


SCRIPT = """
import os, subprocess, sys
sys.path.insert(0, sys.argv.pop())
from scripted_search import ScriptedFunctions
from autokeras_lite.cli.main import make_cli

class Noisy(ScriptedFunctions):
    def search(self, *given, **options):
        os.write(1, b"noise of a native library\\n")
        subprocess.run(["echo", "noise of a child"])
        return super().search(*given, **options)

make_cli(Noisy()).main(["search", "adult.csv", "--json"])
"""


def test_not_even_native_code_and_children_reach_stdout() -> None:
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["name"] == "adult"
    assert "noise of a native library" in done.stderr
    assert "noise of a child" in done.stderr


def read_terminal(columns: int) -> str:
    """Run the scripted search in a pseudo terminal and return everything that was written to it."""
    leader, follower = pty.openpty()
    script = SCRIPT.replace(', "--json"', "")
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "24", "TERM": "xterm-256color"}
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment):
        os.close(follower)
        written = b""
        while chunk := read_or_nothing(leader):
            written += chunk
    os.close(leader)
    return written.decode()


def read_or_nothing(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


def test_on_a_terminal_the_display_goes_and_notes_and_result_stay() -> None:
    written = read_terminal(80)
    assert "note: Column 'education-num'" in written
    assert "trial 9 failed, OUT_OF_MEMORY_HOST" in written
    assert "trial 8 is the best so far" not in written
    assert "\x1b[?25l" in written, "the cursor is hidden while the display is drawn"
    assert written.count("\x1b[?25h") >= 1, "and shown again"
    assert "autokeras-lite leaderboard adult" in written


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
def test_the_next_commands_have_the_names_and_options_of_this_search(suffix: str) -> None:
    arguments = ["search", f"my data{suffix}", "--runs-dir", "my runs", "--tracking-uri", "http://localhost:5000"]
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions()), arguments)
    check_golden(f"final-{suffix[1:]}", outcome.stdout)
