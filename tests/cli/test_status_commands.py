"""The commands `status` and `list`."""

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from loaded_packages import loaded_by_command
from rich.cells import cell_len
from scripted_search import ScriptedFunctions
from search_on_disk import SearchOnDisk, make_outcome

from autokeras_lite.cli.main import make_cli
from autokeras_lite.trial import Cause

NOON = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1))
HEAVY = {"keras", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "plotly", "sklearn", "tensorflow"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(make_cli(ScriptedFunctions()), arguments, catch_exceptions=False)


def set_time(search: SearchOnDisk, moment: float) -> None:
    for file in search.path.iterdir():
        os.utime(file, (moment, moment))


def make_searches(runs: Path) -> dict[str, SearchOnDisk]:
    """Make a search in each state; those that run do so elsewhere, so that every text is always the same."""
    made = {name: SearchOnDisk(runs, name).ask().prepare() for name in ("interrupted", "killed", "running")}
    for search in made.values():
        search.begin(1, range(1, 4))
        search.end(1, make_outcome(1, 0.7), make_outcome(2, 0.8), make_outcome(3, 0.75, Cause.PRUNED))
        search.note_seconds(70.0)
    made["running"].begin(2, range(4, 5))
    made["running"].end(2, make_outcome(4, None, Cause.DIVERGED, "The loss became NaN in epoch 3."))
    made["running"].begin(3, range(5, 9), at=60.0).begin(4, range(9, 10), at=65.0).hold(4242, "another-machine")
    made["killed"].hold(4241, "another-machine")
    for name, stopped, unsent in (("finished", "", 0), ("waiting", "", 2), ("failed", "failures", 0)):
        made[name] = SearchOnDisk(runs, name).ask().prepare().finish(stopped, unsent=unsent)
    made["memory"] = SearchOnDisk(runs, "memory", time_limit="5m", trials=40).ask(data=None)
    for ago, name in enumerate(sorted(made)):
        set_time(made[name], NOON - 60 * ago - (90_000 if name == "failed" else 0))
    return made


@pytest.fixture
def searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, SearchOnDisk]:
    """Return a search in each state in the folder `runs`, which is below the working directory, seen at noon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: NOON)
    made = make_searches(tmp_path / "autokeras_lite_runs")
    set_time(made["running"], NOON)
    set_time(made["killed"], NOON - 3600)
    return made


@pytest.mark.parametrize("width", [80, 200])
def test_the_list_is_as_recorded(
    searches: dict[str, SearchOnDisk], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    (searches["memory"].path / "search.json").write_text("{")
    text = run("list").stdout.replace(str(searches["memory"].path.parent), "RUNS")
    check_golden(f"list-{width}", text)


def test_the_list_is_json_too(searches: dict[str, SearchOnDisk]) -> None:
    values = json.loads(run("list", "--json").stdout)
    assert {one["name"] for one in values} == set(searches)
    assert {one["name"]: one["state"] for one in values if one["name"] != "waiting"} == {
        **{name: name for name in searches if name not in ("waiting", "memory")},
        "memory": "interrupted",
    }


def test_no_row_is_wider_than_the_terminal(searches: dict[str, SearchOnDisk], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    SearchOnDisk(searches["running"].path.parent, "n" * 64).ask().prepare().finish()
    assert max(cell_len(line) for line in run("list").stdout.splitlines()) <= 80


def test_without_searches_the_list_says_how_to_begin(tmp_path: Path) -> None:
    outcome = run("list", "--runs-dir", str(tmp_path / "none"))
    assert (outcome.exit_code, json.loads(run("list", "--json", "--runs-dir", str(tmp_path)).stdout)) == (0, [])
    assert "Begin with: autokeras-lite search" in outcome.stdout


@pytest.mark.parametrize("name", ["running", "finished", "waiting", "interrupted", "failed", "killed", "memory"])
def test_the_status_is_as_recorded(searches: dict[str, SearchOnDisk], name: str) -> None:
    search = searches[name]
    if name == "running":
        search.note_seconds(70.0)
        set_time(search, NOON)
    outcome = run("status", name)
    assert outcome.exit_code == 0
    check_golden(f"status-{name}", outcome.stdout.replace(str(search.path.parent), "RUNS"))


def test_the_status_is_json_too(searches: dict[str, SearchOnDisk]) -> None:
    values = json.loads(run("status", "running", "--json").stdout)
    assert (values["state"], values["driver"]["pid"]) == ("running", 4242)
    assert values == next(one for one in json.loads(run("list", "--json").stdout) if one["name"] == "running")


def test_commands_to_type_name_the_runs_folder_where_it_is_another(
    searches: dict[str, SearchOnDisk], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir("/")
    runs = tmp_path / "autokeras_lite_runs"
    text = run("status", "killed", "--runs-dir", str(runs)).stdout
    assert f"  autokeras-lite resume killed --runs-dir {runs}  # go on where it stopped\n" in text


@pytest.mark.parametrize("command", ["status", "watch"])
def test_a_damaged_search_is_one_line(searches: dict[str, SearchOnDisk], command: str) -> None:
    (searches["finished"].path / "summary.json").write_text("{")
    outcome = run(command, "finished")
    assert (outcome.exit_code, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert "summary.json is damaged" in outcome.stderr


@pytest.mark.parametrize("command", ["status", "watch"])
def test_an_unknown_search_is_one_line(searches: dict[str, SearchOnDisk], command: str) -> None:
    outcome = run(command, "finnished")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "Did you mean 'finished'?" in outcome.stderr


def test_hostile_names_and_messages_are_only_shown(tmp_path: Path) -> None:
    search = SearchOnDisk(tmp_path, "a\x1b[31m\nb").ask().prepare()
    search.begin(1, range(1, 2)).end(1, make_outcome(1, None, Cause.EXCEPTION, "[red]no\x1b[2J\nmore[/red]"))
    for arguments in (["list"], ["status", "a\x1b[31m\nb"]):
        text = run(*arguments, "--runs-dir", str(tmp_path)).stdout
        assert "\x1b" not in text
        assert "a[31m b" in text
    assert "[red]no[2J more[/red]" in text


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["status", "finished"], ["status", "running"]])
def test_nothing_heavy_is_loaded(searches: dict[str, SearchOnDisk], command: list[str]) -> None:
    assert not loaded_by_command(command) & HEAVY
