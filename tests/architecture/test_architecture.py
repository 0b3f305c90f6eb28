"""What holds for the code as a whole: read from its text, or seen in a process of its own."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
from loaded_packages import loaded_by

import autokeras_lite
from autokeras_lite import config
from autokeras_lite.execution.registry import EXECUTORS
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.samplers import SAMPLERS
from autokeras_lite.spaces import training_choices
from autokeras_lite.spaces.listing import shipped_names

PACKAGE = Path(autokeras_lite.__file__).parent
PROJECT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = (
    "keras",
    "tensorflow",
    "optuna",
    "mlflow",
    "sklearn",
    "pandas",
    "numpy",
    "pydantic",
    "click",
    "rich",
    "ray",
    "plotly",
    "jinja2",
)
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_MODULE = 400
# Names that fit anything sort nothing.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "base", "engine", "manager", "misc", "tools"}

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import autokeras_lite; autokeras_lite.__version__") & set(HEAVY)


@pytest.mark.slow
def test_the_driver_loads_neither_keras_nor_mlflow():
    loaded = loaded_by("import autokeras_lite.api, autokeras_lite.tracking.open")
    assert not loaded & {"keras", "tensorflow", "mlflow", "click"}
    assert "optuna" in loaded


def test_everything_that_is_exposed_can_be_had_and_nothing_else():
    assert dir(autokeras_lite) == sorted(autokeras_lite.__all__)
    for name in autokeras_lite.__all__:
        assert getattr(autokeras_lite, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'serach'"):
        autokeras_lite.serach  # noqa: B018 - asking is the test


@pytest.mark.slow
@pytest.mark.parametrize(
    "before",
    ["", "akl.search", "akl.load", "import autokeras_lite.search.folder", "from autokeras_lite.api import load"],
)
def test_search_is_the_function_whatever_was_imported_before(before):
    program = f"import autokeras_lite as akl\n{before}\nassert callable(akl.search)\nassert callable(akl.search)"
    program += "\nfrom autokeras_lite import search\nassert search is akl.search"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_the_wheel_holds_every_package():
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    on_disk = {".".join(path.parent.relative_to(PROJECT).parts) for path in MODULES if path.name == "__init__.py"}
    assert set(pyproject["tool"]["setuptools"]["packages"]) == on_disk | {"autokeras_lite.search_spaces"}
    assert {path.parent for path in MODULES} == {path.parent for path in MODULES if path.name == "__init__.py"}


def test_the_version_is_that_of_the_project():
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert pyproject["project"]["version"] == autokeras_lite.__version__


def test_the_shipped_spaces_are_resources_of_the_package():
    names = {file.name for file in files("autokeras_lite.search_spaces").iterdir() if file.name.endswith(".toml")}
    assert names == {path.name for path in (PROJECT / "search_spaces").glob("*.toml")}
    assert names == {f"{name}.toml" for name in shipped_names()}
    for name in names:
        assert (files("autokeras_lite.search_spaces") / name).read_text(encoding="utf-8")


@every_module
def test_a_module_says_in_one_sentence_what_it_is(path):
    first_line = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    assert first_line


@every_module
def test_a_module_is_short(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES_OF_A_MODULE


@every_module
def test_a_function_is_short(path):
    long = [
        f"{function.name}: {lines}"
        for function in functions_of(path)
        if (lines := body_lines(function)) > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@every_module
def test_a_name_says_what_is_inside(path):
    assert not {part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts} & EMPTY_NAMES


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@every_module
def test_no_module_takes_a_private_name_from_another(path):
    tree = ast.parse(path.read_text())
    taken = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autokeras_lite")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert not taken


@pytest.mark.slow
def test_every_family_has_a_builder():
    from autokeras_lite.models.build import BUILDERS

    assert BUILDERS.keys() == FAMILIES.keys()
    assert all(name == family.name for name, family in FAMILIES.items())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "module", "registry"),
    [
        (training_choices.OPTIMIZERS, "optimizers", "OPTIMIZERS"),
        (training_choices.SCHEDULES, "schedules", "SCHEDULES"),
        (tuple(word for word in training_choices.LOSSES if word != "auto"), "losses", "LOSSES"),
    ],
    ids=["optimizers", "schedules", "losses"],
)
def test_a_space_may_name_exactly_what_training_knows(words, module, registry):
    assert set(words) == set(vars(import_module(f"autokeras_lite.training.{module}"))[registry])


@pytest.mark.slow
def test_every_loss_fits_some_task_and_every_task_has_one():
    from autokeras_lite.tasks.losses import FITTING_LOSSES
    from autokeras_lite.tasks.task import TaskKind
    from autokeras_lite.training.losses import LOSSES

    assert {name for names in FITTING_LOSSES.values() for name in names} == set(LOSSES)
    assert set(FITTING_LOSSES) == set(TaskKind)


def test_the_words_of_an_option_are_what_stands_behind_it():
    assert set(config.SAMPLERS) == set(SAMPLERS)
    assert set(config.EXECUTORS) == set(EXECUTORS)


def test_the_command_has_the_options_of_the_call():
    from autokeras_lite.cli.search import command

    own = {"data", "target", "as_json", "quiet", "verbose", "help"}
    assert {parameter.name for parameter in command.params} - own == set(config.SearchOptions.__annotations__)


def third_party_imports() -> set[str]:
    """Return the top-level packages that any module imports, without the standard library and this package."""
    nodes = [node for path in MODULES for node in ast.walk(ast.parse(path.read_text()))]
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names) - {"autokeras_lite"}


def test_every_package_that_is_imported_is_a_declared_dependency_and_none_other():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    described = [*project["dependencies"], *project["optional-dependencies"]["tensorboard"]]
    declared = {line.partition(">")[0] for line in described}
    # pydantic_core is the other half of pydantic; pyarrow is what pandas reads Parquet with.
    used = {{"sklearn": "scikit-learn"}.get(name, name) for name in third_party_imports() - {"pydantic_core"}}
    assert used | {"pyarrow"} == declared
