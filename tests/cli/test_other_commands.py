"""The commands `spaces`, `ui` and `doctor`."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from scripted_search import ScriptedFunctions, ScriptedServer

from autokeras_lite.cli.checks import PACKAGES, check_place
from autokeras_lite.cli.main import make_cli
from autokeras_lite.errors import TrackingError
from autokeras_lite.spaces.domain import Fixed
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space


def run(functions: ScriptedFunctions, *arguments: str) -> Result:
    return CliRunner().invoke(make_cli(functions), arguments)


def test_the_list_has_a_line_for_every_shipped_space() -> None:
    lines = run(ScriptedFunctions(), "spaces", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_show_tells_every_parameter_and_every_ready_configuration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = run(ScriptedFunctions(), "spaces", "show", name).stdout
    space = load_space(name)
    words = text.replace(",", " ").split()
    assert [p.name for p in space.parameters if p.name not in words] == []
    assert [entry.label for entry in space.portfolio if entry.label not in text] == []
    assert all(slot.name in words for slot in (space.stack.slots if space.stack else ()))


@pytest.mark.parametrize("name", shipped_names())
def test_show_fits_a_narrow_terminal_without_breaking_a_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(ScriptedFunctions(), "spaces", "show", name).stdout
    assert max(len(line) for line in text.splitlines()) <= 80
    searched = [p.name for p in load_space(name).parameters if not isinstance(p.domain, Fixed)]
    assert [name for name in searched if name not in text.split()] == []


SPACE = """
family = "layer_stack"
summary = "A small one"
accepts = ["sequence"]

[parameters]
epochs = 10
optimizer = { type = "choice", options = ["adamw", "sgd"], default = "adamw" }
weight_decay = { type = "float", low = 1e-6, high = 0.1, default = 1e-4, log = true, when = { optimizer = "adamw" } }

[[stack]]
name = "views"
join = { type = "choice", options = ["add", "concatenate"], default = "add" }
branches = [
    [{ name = "cell", layers = [{ kind = "GRU", units = 8 }, { kind = "LSTM", units = 8 }] }],
    [],
]

[[stack]]
name = "flat"
layers = [{ kind = "Flatten" }]

[[portfolio]]
name = "plain"
optimizer = "sgd"
"""


@pytest.fixture
def space_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.toml"
    file.write_text(SPACE)
    return file


def test_the_picture_of_a_space_is_as_recorded(space_file: Path) -> None:
    check_golden("space", run(ScriptedFunctions(), "spaces", "show", "mine.toml").stdout)


def test_a_right_space_file_is_confirmed_in_one_line(space_file: Path) -> None:
    outcome = run(ScriptedFunctions(), "spaces", "check", str(space_file))
    assert outcome.exit_code == 0
    assert outcome.stdout.startswith(f"OK: {space_file}, family layer_stack, ")
    assert outcome.stdout.count("\n") == 1


def test_a_wrong_space_file_is_refused_by_key(space_file: Path) -> None:
    space_file.write_text(SPACE.replace("epochs = 10", 'epochs = "ten"'))
    outcome = run(ScriptedFunctions(), "spaces", "check", str(space_file))
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "epochs" in outcome.stderr


def test_a_stack_that_cannot_be_built_is_refused_by_slot(space_file: Path) -> None:
    space_file.write_text(SPACE.replace('kind = "Flatten"', 'kind = "Conv2D"'))
    outcome = run(ScriptedFunctions(), "spaces", "check", str(space_file))
    assert outcome.exit_code == 2
    assert "flat" in outcome.stderr


def test_the_schema_is_json() -> None:
    assert "properties" in json.loads(run(ScriptedFunctions(), "spaces", "schema").stdout)


def test_ui_prints_the_address_and_stops_the_server() -> None:
    functions = ScriptedFunctions()
    outcome = run(functions, "ui", "adult", "--port", "5050", "--runs-dir", "runs", "--tracking-uri", "sqlite:///m.db")
    assert outcome.exit_code == 0
    assert outcome.stdout == "http://127.0.0.1:5000/#/experiments/1/runs\n"
    assert "The best ones side by side: http://127.0.0.1:5000/#/compare-runs\n" in outcome.stderr
    assert functions.calls == [("serve_ui", "runs", 5050, "sqlite:///m.db", "adult")]
    assert functions.server.stops == 1


def test_ui_takes_the_path_of_a_search() -> None:
    functions = ScriptedFunctions()
    assert run(functions, "ui", "elsewhere/adult").exit_code == 0
    assert functions.calls == [("serve_ui", "elsewhere", None, None, "adult")]


def test_ctrl_c_is_the_ordinary_end_of_ui() -> None:
    functions = ScriptedFunctions(server=ScriptedServer(interrupts=True))
    outcome = run(functions, "ui")
    assert (outcome.exit_code, functions.server.stops) == (0, 1)
    assert outcome.stderr.endswith("Stopped.\n")


class KilledServer(ScriptedServer):
    """The program is ended by a signal while it waits for this server."""

    def wait(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_server_does_not_outlive_a_killed_program() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        functions = ScriptedFunctions(server=KilledServer())
        assert run(functions, "ui").exit_code == 0
        assert functions.server.stops == 1
        assert heard == [], "ui hears the signal, and gives it back to whoever had it before"
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


class NamelessServer(ScriptedServer):
    """Has no such search."""

    @property
    def start_url(self) -> str:
        raise TrackingError("No search 'x' came. Expected one. Check the name.")

    @start_url.setter
    def start_url(self, value: str) -> None:
        """Take the default of the dataclass."""


def test_a_server_without_the_search_is_stopped_too() -> None:
    functions = ScriptedFunctions(server=NamelessServer())
    assert run(functions, "ui", "x").exit_code == 2
    assert functions.server.stops == 1


def test_doctor_names_what_it_looked_at(tmp_path: Path) -> None:
    outcome = run(ScriptedFunctions(), "doctor", "--json", "--runs-dir", str(tmp_path / "runs"))
    values = json.loads(outcome.stdout)
    names = [check["name"] for check in values["checks"]]
    assert set(names) >= {"python", *PACKAGES, "cores", "memory", "limits", "runs folder", "disk", "file system"}
    assert set(names) >= {"training process", "device"}
    assert (values["ready"], outcome.exit_code) == (True, 0)
    (limits,) = [check["found"] for check in values["checks"] if check["name"] == "limits"]
    assert all(word in limits for word in ("worker", "thread", "of memory"))


@pytest.mark.parametrize(("kind", "state"), [("ext4", "ok"), ("nfs4", "problem"), ("cifs", "problem")])
def test_doctor_says_where_searches_cannot_be_kept(tmp_path: Path, kind: str, state: str) -> None:
    check = check_place(tmp_path / "runs", (("/", "ext4"), (str(tmp_path), kind)))
    assert check.state == state
    assert state == "ok" or (kind in check.found and "--runs-dir" in check.found)


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_doctor_ends_with_1_where_training_cannot_start(tmp_path: Path, flags: list[str]) -> None:
    functions = ScriptedFunctions(error=ImportError("libcudart.so is missing"))
    outcome = run(functions, "doctor", "--runs-dir", str(tmp_path), *flags)
    assert outcome.exit_code == 1
    assert "libcudart.so is missing" in outcome.stdout


def test_doctor_ends_with_1_where_the_runs_folder_cannot_be_written() -> None:
    outcome = run(ScriptedFunctions(), "doctor", "--runs-dir", "/proc/runs")
    assert outcome.exit_code == 1
    assert "cannot be written" in outcome.stdout
    assert "--runs-dir" in outcome.stdout
