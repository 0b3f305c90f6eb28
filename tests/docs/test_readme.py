"""What the README says is what the program does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from document_parts import (
    COMMANDS,
    PAGES,
    PROGRAM,
    PROJECT,
    blocks,
    code_words,
    options_of,
    pictures,
    read,
    shell_lines,
    split_command,
    table_rows,
)

from autokeras_lite.cli.functions import RealFunctions
from autokeras_lite.cli.main import make_cli
from autokeras_lite.config import EXECUTORS, SAMPLERS
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.files import READERS
from autokeras_lite.models.check import check_space
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.run import DEFAULT_SPACES
from autokeras_lite.spaces.layers import ACTIVATIONS, LAYERS
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.training_choices import OPTIMIZERS, SCHEDULES
from autokeras_lite.tasks.losses import FITTING_LOSSES
from autokeras_lite.tasks.metrics import DEFAULT_METRICS, METRICS
from autokeras_lite.tasks.task import TaskKind

README = read("README.md")
WORDS = set(code_words(README))
SHOWN = [words[1:] for words in shell_lines(README) if words[0] == PROGRAM]
MOST_LINES = 440

NAMES = {
    "metrics": METRICS,
    "tasks": TaskKind,
    "samplers": SAMPLERS,
    "executors": EXECUTORS,
    "kinds of data": InputKind,
    "files": READERS,
    "families": FAMILIES,
    "shipped spaces": shipped_names(),
    "layers": LAYERS,
    "activations": ACTIVATIONS,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
}


def codes_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_it_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= MOST_LINES


def test_it_begins_with_two_commands():
    assert re.match(r"# autokeras_lite\n\n```sh\nmake demo .*\nmake test .*\n```\n", README)


# --- the tour --------------------------------------------------------------------------------------------------------

TOUR = dict(re.findall(r"<!-- tour: ([\w-]+) -->\n(.*?)<!-- end -->", README, re.DOTALL))


def test_the_tour_shows_what_a_person_sees_in_turn():
    assert list(TOUR) == ["picture-during", "result", "use", "picture-ui", "picture-report"]
    assert all(TOUR.values())


def test_the_tour_searches_as_the_demo_does():
    demo = re.search(r"^demo:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    assert demo is not None
    words = demo[1].replace("\\\n", " ").split()[1:]
    name = words.index("--name")
    (shown,) = [words for words in SHOWN if words[0] == "search"]
    assert shown == words[:name] + words[words.index("--test") :]


def test_pictures_and_outputs_of_the_tour_come_from_one_run():
    printed = set(re.findall(r"0\.\d{4}\b", TOUR["result"]))
    told = {
        document: set(re.findall(r"0\.\d{4}\b", " ".join(words for words, _ in pictures(read(document)))))
        for document in ("README.md", "autokeras_lite/docs/index.md")
    }
    assert all(told.values())
    assert all(scores <= printed for scores in told.values())
    assert set(re.findall(r"0\.\d{4}\b", TOUR["use"])) & printed


def test_a_person_compares_trials_after_three_commands():
    (block,) = [block for block in blocks(README, "sh") if f"{PROGRAM} ui" in block]
    assert [words[0] for words in shell_lines(f"```sh\n{block}```\n")] == ["make", "source", PROGRAM]


# --- commands and words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_command_that_is_shown_is_one_that_the_program_takes(words):
    path, arguments = split_command(words)
    assert path, f"{words} begins with no command"
    COMMANDS[path].make_context(" ".join(path), list(arguments))


def test_a_command_that_is_named_exists_with_the_options_that_are_named():
    for words in (word.split() for word in WORDS if word.startswith(f"{PROGRAM} ")):
        path, rest = split_command(words[1:])
        assert path, f"{words} names no command"
        assert {word for word in rest if word.startswith("-")} <= options_of(COMMANDS[path])


def test_every_command_is_named():
    said = " ".join([*WORDS, *(" ".join([PROGRAM, *words]) for words in SHOWN)])
    missing = [" ".join(path) for path in COMMANDS if f"{PROGRAM} {' '.join(path)}" not in said]
    assert not missing


def test_every_option_that_is_named_exists():
    known = set().union(*(options_of(command) for command in COMMANDS.values()), {"-h", "--help", "--version"})
    named = {word.split()[0] for word in WORDS if re.match(r"--?[a-z]", word)}
    assert named <= known


def test_every_option_is_named():
    said = {part for word in WORDS for part in word.split()} | {part for words in SHOWN for part in words}
    said |= set(re.findall(r"(?<![\w-])--?[a-z-]+", "\n".join(blocks(README, "sh"))))
    for path, command in COMMANDS.items():
        long = {option for option in options_of(command) if option.startswith("--")}
        assert long <= said, path


def test_the_table_of_options_is_that_of_search():
    rows = table_rows(README, "option")
    named = [word.split()[0] for row in rows for word in codes_in(row[0])]
    assert sorted(named) == sorted(option for option in options_of(COMMANDS["search",]) if option.startswith("--"))


def test_the_defaults_in_the_table_of_options_are_those_of_search():
    parameters = {option: parameter for parameter in COMMANDS["search",].params for option in parameter.opts}
    plain = {
        option: str(parameter.default)
        for option, parameter in parameters.items()
        if isinstance(parameter.default, str | int) and not isinstance(parameter.default, bool)
    }
    said = {codes_in(row[0])[0].split()[0]: row[2] for row in table_rows(README, "option")}
    assert {option: said[option] for option in plain} == {option: f"`{value}`" for option, value in plain.items()}
    assert len(plain) >= 4


@pytest.mark.parametrize("what", NAMES)
def test_every_name_that_a_person_may_use_is_named(what):
    assert not [name for name in NAMES[what] if name not in WORDS]


def test_the_table_of_tasks_holds_the_default_metrics_and_the_losses():
    rows = {codes_in(row[0])[0]: (codes_in(row[1]), codes_in(row[2])) for row in table_rows(README, "task")}
    assert rows == {kind: ([DEFAULT_METRICS[kind]], list(FITTING_LOSSES[kind])) for kind in TaskKind}


def test_the_table_of_kinds_holds_the_default_spaces():
    rows = {codes_in(row[0])[0]: tuple(codes_in(row[2])) for row in table_rows(README, "kind")}
    assert rows == dict(DEFAULT_SPACES)


# --- examples --------------------------------------------------------------------------------------------------------


def own_space(folder: Path) -> Path:
    (content,) = blocks(README, "toml")
    file = folder / "my_space.toml"
    file.write_text(content, encoding="utf-8")
    return file


def test_the_space_that_is_shown_can_be_searched_and_has_a_residual_and_a_parallel_branch(tmp_path):
    space = load_space(str(own_space(tmp_path)))
    check_space(space, FAMILIES)
    config, _ = space.assemble(space.defaults())
    assert any("residual" in node for node in config["stack"])
    assert any("branches" in node for node in config["stack"])


CONSOLES = [block for document in ("README.md", *PAGES) for block in blocks(read(document), "console")]
SESSIONS = [part for block in CONSOLES for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.partition("\n")[0])
def test_what_a_command_is_said_to_print_it_prints(session, tmp_path, monkeypatch):
    own_space(tmp_path)
    monkeypatch.chdir(tmp_path)
    line, _, expected = session.partition("\n")
    ended = CliRunner().invoke(make_cli(RealFunctions()), line.split()[1:])
    assert ended.exit_code == 0
    assert ended.output.strip() == expected.strip()


@pytest.mark.parametrize("code", blocks(README, "python"), ids=lambda code: code.partition("\n")[0])
def test_a_python_example_can_be_read_by_python(code):
    compile(code, "README.md", "exec")


def run_in_a_fresh_python(code: str, folder: Path) -> None:
    (folder / "experiments").symlink_to(PROJECT / "experiments")
    ended = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def example(text: str, **substitutes: str) -> str:
    """Return the one Python example that holds a text, with parts of it replaced."""
    (code,) = [block for block in blocks(README, "python") if text in block]
    for old, new in substitutes.items():
        assert f"{old}=" in code
        code = re.sub(rf'{old}="[^"]*"', new, code)
    return code


CLAIMS = """
from pathlib import Path
import numpy as np

assert list(result.predict(test).columns) == ["class"]
assert list(result.predict_proba(test).columns) == ["bad", "good"]
assert result.evaluate(test)["metric"][0] == "roc_auc"
assert len(result.leaderboard()) == 2
assert "The best network" in result.summary.verdict
probabilities = np.asarray(result.model(result.raw_inputs(test)))[:, 0]
np.testing.assert_allclose(probabilities, result.predict_proba(test)["good"], atol=1e-5)
again = akl.load(Path("autokeras_lite_runs") / "credit")
assert again.predict(test).equals(result.predict(test))
"""


@pytest.mark.slow
def test_the_example_with_a_frame_does_what_it_says(tmp_path):
    run_in_a_fresh_python(
        example("read_parquet", time_limit='trials=2, validation=0.2, space="tabular_mlp"') + CLAIMS, tmp_path
    )


SMALL_SPACE = """
family = "layer_stack"
summary = "Small enough for a test"
accepts = ["image", "sequence"]
parameters.epochs = 2

[[stack]]
name = "hidden"
layers = [{ kind = "Dense", units = 4 }]
"""


@pytest.mark.slow
def test_the_example_with_arrays_runs(tmp_path):
    (tmp_path / "small.toml").write_text(SMALL_SPACE)
    code = example("load_digits", time_limit='trials=1, space="small.toml"')
    run_in_a_fresh_python(code, tmp_path)
    assert {path.name for path in (tmp_path / "autokeras_lite_runs").glob("digits*")} == {
        "digits_as_images",
        "digits_as_sequences",
    }
