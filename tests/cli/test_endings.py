"""How a search ends, new or resumed: the exit code, what is printed where, and the command to go on with."""

import io
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from rich.console import Console
from scripted_search import FAILED, INTERRUPTED, SUMMARY, TOO_SHORT, ScriptedFunctions, ScriptedResult

from autokeras_lite import errors
from autokeras_lite.cli.exit_codes import MEANINGS, ExitCode, code_of_error
from autokeras_lite.cli.final import Invocation, next_commands, print_final
from autokeras_lite.cli.main import make_cli
from autokeras_lite.search.record import SearchSummary, TrialCounts
from autokeras_lite.search.stop import INTERRUPTED as INTERRUPTED_BY_THE_DRIVER

COMMANDS = {"search": ["search", "adult.csv", "--target", "income"], "resume": ["resume", "adult"]}
ENDS = {"done": (SUMMARY, 0), "too-short": (TOO_SHORT, 0), "interrupted": (INTERRUPTED, 130), "failures": (FAILED, 3)}
every_command = pytest.mark.parametrize("command", COMMANDS)
every_end = pytest.mark.parametrize("end", ENDS)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with a search in it, of which nothing is written yet."""
    (tmp_path / "adult").mkdir()
    return tmp_path


def run(functions: ScriptedFunctions, runs: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(make_cli(functions), [*COMMANDS[command], *arguments, "--runs-dir", str(runs)])


def ended(summary: SearchSummary) -> ScriptedFunctions:
    return ScriptedFunctions(result=ScriptedResult(summary=summary))


@every_end
@every_command
@pytest.mark.parametrize("flags", [[], ["--json"], ["--quiet"]], ids=["plain", "json", "quiet"])
def test_the_exit_code_says_how_a_search_ended(runs: Path, command: str, end: str, flags: list[str]) -> None:
    summary, code = ENDS[end]
    outcome = run(ended(summary), runs, command, *flags)
    assert outcome.exit_code == code, outcome.stderr
    if flags == ["--json"]:
        assert json.loads(outcome.stdout)["stopped"] == summary.stopped


@every_command
@pytest.mark.parametrize("kind", errors.AutokerasLiteError.__subclasses__())
def test_an_error_is_one_line_with_its_exit_code(runs: Path, command: str, kind: type[Exception]) -> None:
    error = kind("7 came. Expected 8. Write 8.")
    outcome = run(ScriptedFunctions(error=error), runs, command, "--quiet")
    assert (outcome.exit_code, outcome.stdout) == (code_of_error(error), "")
    assert outcome.stderr == "Error: 7 came. Expected 8. Write 8.\n"


def test_every_exit_code_has_a_meaning_in_the_help() -> None:
    text = CliRunner().invoke(make_cli(ScriptedFunctions()), ["--help"]).stdout
    assert list(MEANINGS) == list(ExitCode)
    assert [meaning for meaning in MEANINGS.values() if meaning not in text] == []


def test_the_driver_that_is_out_of_time_ends_with_the_same_code() -> None:
    assert ExitCode.INTERRUPTED == INTERRUPTED_BY_THE_DRIVER


@every_end
def test_a_resumed_search_prints_what_a_new_one_prints(runs: Path, end: str) -> None:
    new, resumed = (run(ended(ENDS[end][0]), runs, command) for command in COMMANDS)
    differ = [one for one in zip(new.stdout.splitlines(), resumed.stdout.splitlines(), strict=True) if one[0] != one[1]]
    assert [line for _, line in differ if "--extend" not in line] == []
    assert without_times(new.stderr) == without_times(resumed.stderr)


def without_times(text: str) -> str:
    """Leave out how late it was when a line was written: two runs may stand on either side of a second."""
    return re.sub(r"(?m)^ *[0-9:]+:[0-9]{2}  ", "", text)


def test_resume_needs_only_a_name_and_goes_on_in_that_folder(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = ScriptedFunctions()
    assert run(functions, runs, "resume").exit_code == 0
    monkeypatch.chdir(runs)
    for name in (str(runs / "adult"), "adult"):
        assert CliRunner().invoke(make_cli(functions), ["resume", name, "--quiet"]).exit_code == 0
    assert functions.calls == [("resume", runs / "adult"), ("resume", runs / "adult"), ("resume", Path("adult"))]


def test_resume_of_a_search_that_there_is_not_is_refused(tmp_path: Path) -> None:
    functions = ScriptedFunctions()
    outcome = run(functions, tmp_path, "resume")
    assert (outcome.exit_code, functions.calls) == (2, [])


@every_command
def test_after_an_interruption_stderr_says_what_is_saved_and_how_to_go_on(runs: Path, command: str) -> None:
    saved, again = run(ended(INTERRUPTED), runs, command, "--quiet").stderr.splitlines()[-2:]
    assert saved.startswith("Interrupted. Saved: 37 trials and the best model so far (trial 7, roc_auc 0.9142)")
    assert again == f"Go on with: autokeras-lite resume adult --runs-dir {runs}"


def test_an_interruption_before_the_first_trial_does_not_speak_of_a_model(runs: Path) -> None:
    outcome = run(ended(replace(TOO_SHORT, stopped="interrupted")), runs, "search", "--quiet")
    assert "No model is saved yet" in outcome.stderr
    assert f"autokeras-lite resume adult --runs-dir {runs}" in outcome.stdout
    assert "predict" not in outcome.stdout


@every_command
@pytest.mark.parametrize("is_known", [True, False])
def test_an_interruption_at_once_is_one_line(runs: Path, command: str, is_known: bool) -> None:
    if is_known:
        (runs / "adult" / "journal.jsonl").touch()
        (runs / "adult" / "search.json").write_text(REQUEST)
    outcome = run(ScriptedFunctions(error=KeyboardInterrupt()), runs, command)
    assert (outcome.exit_code, outcome.stdout) == (130, "")
    again = f" Go on with: autokeras-lite resume adult --runs-dir {runs}" if is_known else ""
    assert outcome.stderr == f"Interrupted.{again}\n"


REQUEST = json.dumps(
    {"uid": "8f3a", "config": {}, "content": {}, "fingerprint": "", "versions": {}, "data": "/data/Adult.PARQUET"}
)


def test_the_commands_after_a_resumed_search_have_the_suffix_of_its_data(runs: Path) -> None:
    (runs / "adult" / "search.json").write_text(REQUEST)
    assert "predict adult new.parquet -o" in run(ScriptedFunctions(), runs, "resume", "--quiet").stdout


@every_command
def test_failures_that_stop_a_search_stand_on_top_and_lead_to_their_list(runs: Path, command: str) -> None:
    outcome = run(ended(FAILED), runs, command, "--quiet")
    head, cause, *rest = outcome.stdout.splitlines()
    assert head.startswith("adult: binary")
    assert cause == "Stopped after 6 failures in a row with EXCEPTION: ValueError: no such layer"
    assert rest[rest.index("Next") + 1].split("  #")[0].strip() == f"autokeras-lite failures adult --runs-dir {runs}"
    assert outcome.stdout.count("no such layer") == 1
    assert f"autokeras-lite failures adult --runs-dir {runs}\n" in outcome.stderr


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("end", ["too-short", "interrupted", "failures"])
def test_the_final_text_is_as_recorded(width: int, end: str) -> None:
    invocation = Invocation(Path("/data/autokeras_lite_runs/adult"), more_time="autokeras-lite search ... --extend")
    file = io.StringIO()
    print_final(Console(file=file, width=width, highlight=False, markup=False), ENDS[end][0], invocation)
    check_golden(f"final-{end}-{width}", file.getvalue())


def test_a_search_that_broke_off_at_once_has_something_to_print() -> None:
    summary = replace(TOO_SHORT, stopped="interrupted", baselines={}, verdict="", notes=())
    file = io.StringIO()
    print_final(Console(file=file, width=80), summary, Invocation(Path("/data/runs/adult"), "/data/runs"))
    assert "autokeras-lite resume adult --runs-dir /data/runs" in file.getvalue()


@every_end
def test_without_a_model_nothing_is_offered_that_needs_one(end: str) -> None:
    for best in (SUMMARY.best, None):
        summary = replace(ENDS[end][0], best=best)
        offered = {line.split()[1] for line, _ in next_commands(summary, Invocation(Path("adult")))}
        assert ({"predict", "evaluate"} <= offered) is (best is not None)
        assert not (best is None and {"predict", "evaluate"} & offered)


def test_a_name_that_a_shell_would_obey_is_quoted() -> None:
    invocation = Invocation(Path("/data/a b/adult"), "/data/a b", ".csv; rm -r x")
    for command, _ in next_commands(INTERRUPTED, invocation):
        words = shlex.split(command)
        assert words[words.index("--runs-dir") + 1] == "/data/a b"
        assert not {"rm", ";"} & set(words)


def test_failures_are_offered_where_there_are_some() -> None:
    for failed in (0, 2):
        summary = replace(SUMMARY, trials=TrialCounts(completed=3, failed=failed))
        offered = [line.split()[1] for line, _ in next_commands(summary, Invocation(Path("adult")))]
        assert ("failures" in offered) is (failed > 0)


def more_time(*arguments: str) -> str:
    cli = make_cli(ended(TOO_SHORT))
    stdout = CliRunner().invoke(cli, ["search", *arguments]).stdout
    (line,) = [line for line in stdout.splitlines() if "--extend" in line]
    return line.split("  #")[0].strip()


def test_the_command_for_more_time_has_every_option_that_was_given() -> None:
    given = ["my data.csv", "--target", "a b", "--target", "c", "--seed", "3", "--space", "x.toml", "--threads", "2"]
    expected = "'my data.csv' --target 'a b' --target c --space x.toml --seed 3 --threads 2"
    assert more_time(*given, "--quiet", "--time-limit", "20s") == (
        f"autokeras-lite search {expected} --extend --time-limit 10m"
    )


def test_the_command_for_more_time_asks_for_much_more() -> None:
    assert more_time("d.csv", "--extend", "--time-limit", "5m") == (
        "autokeras-lite search d.csv --extend --time-limit 20m"
    )


def test_the_command_for_more_time_has_no_password() -> None:
    command = more_time("d.csv", "--tracking-uri", "postgresql://ann:geheim@host/runs")
    assert "geheim" not in command
    assert "--tracking-uri" in command


def test_without_a_network_the_best_baseline_stands_out() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard", markup=False)
    print_final(console, TOO_SHORT, Invocation(Path("adult")))
    marked = [line for line in file.getvalue().splitlines() if "\x1b[1;32m" in line]
    assert len(marked) == 1
    assert "gradient boosting" in marked[0]


def test_the_commands_after_a_search_that_was_named_by_its_path_lead_to_it(runs: Path) -> None:
    stdout = CliRunner().invoke(make_cli(ScriptedFunctions()), ["resume", str(runs / "adult"), "--quiet"]).stdout
    assert f"autokeras-lite leaderboard adult --runs-dir {runs}" in stdout
