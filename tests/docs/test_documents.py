"""What the documents name exists: files, headings, rooms, targets and names in the code."""

import ast
import os
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from document_parts import (
    DOCUMENTS,
    PAGES,
    PROJECT,
    anchors,
    code_words,
    links,
    pictures,
    prose,
    read,
    shell_lines,
    table_rows,
)

import autokeras_lite

PYPROJECT = tomllib.loads(read("pyproject.toml"))
ARCHITECTURE, CONTRIBUTING, CHANGELOG = read("ARCHITECTURE.md"), read("CONTRIBUTING.md"), read("CHANGELOG.md")

every_document = pytest.mark.parametrize("name", DOCUMENTS)


@every_document
def test_a_link_leads_to_a_file_and_a_heading_that_exist(name):
    for target in links(read(name)):
        file, _, anchor = target.partition("#")
        place = (PROJECT / name).parent / file if file else PROJECT / name
        assert place.exists(), target
        assert not anchor or anchor in anchors(place.read_text(encoding="utf-8")), target


@every_document
def test_a_line_fits_the_width_of_the_code(name):
    long = [line for line in prose(read(name)).splitlines() if len(line) > PYPROJECT["tool"]["ruff"]["line-length"]]
    assert all(line.startswith("|") for line in long), "only rows of tables may be longer"


# --- pictures --------------------------------------------------------------------------------------------------------

FOLDER = PROJECT / "autokeras_lite" / "docs" / "pictures"
MOST_BYTES = 150_000
FEWEST_WORDS = 10
PNG = b"\x89PNG\r\n\x1a\n"


@every_document
def test_a_picture_lies_in_the_package_and_says_what_is_to_be_seen(name):
    for words, file in pictures(read(name)):
        place = (PROJECT / name).parent / file
        assert place.is_file(), file
        assert place.parent == FOLDER, "Pictures ship with the pages"
        assert len(words.split()) >= FEWEST_WORDS, f"{file}: {words!r} does not stand for a picture"


def test_every_picture_is_shown_on_a_page_is_small_and_ships():
    shown = {Path(file).name for page in PAGES for _, file in pictures(read(page))}
    assert shown == {file.name for file in FOLDER.iterdir()}
    shipped = PYPROJECT["tool"]["setuptools"]["package-data"]["autokeras_lite"]
    for file in FOLDER.iterdir():
        assert file.read_bytes().startswith(PNG)
        assert file.stat().st_size <= MOST_BYTES, file.name
        assert any(fnmatch(file.relative_to(PROJECT / "autokeras_lite").as_posix(), pattern) for pattern in shipped)


# --- make ------------------------------------------------------------------------------------------------------------


def make_targets(name: str) -> set[str]:
    words = [word.split() for word in code_words(read(name))] + shell_lines(read(name))
    return {word[1] for word in words if word[0] == "make" and len(word) > 1}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@every_document
def test_every_target_that_is_named_is_listed_by_make_help(name):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    helped = subprocess.run(["make", "help"], cwd=PROJECT, env=clean, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in helped.stdout.splitlines()}
    assert make_targets(name) <= listed


def test_every_target_is_explained_to_contributors():
    phony = re.search(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)
    assert phony is not None
    assert {word.split()[1] for row in table_rows(CONTRIBUTING, "target") for word in code_words(row[0])} == set(
        phony[1].split()
    )


# --- names in the code -----------------------------------------------------------------------------------------------

REFERENCE = re.compile(r"\b((?:[a-z_]+/)*[a-z_]+\.py)\b(?:: (\w+))?")


def find_file(path: str) -> str | None:
    return next((place for place in (path, f"autokeras_lite/{path}") if (PROJECT / place).is_file()), None)


def names_in(file: str) -> set[str]:
    """Return the names that a module defines at its top."""
    found: set[str] = set()
    for node in ast.parse(read(file)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@every_document
def test_a_module_that_is_named_exists_with_the_name_that_follows_it(name):
    text = re.sub(r"\w*NAME\w*\.py", "", read(name))
    text = re.sub(r"experiments/\w+/run\.py", "", text)
    for path, inside in REFERENCE.findall(text):
        file = find_file(path)
        assert file is not None, path
        assert not inside or inside in names_in(file), f"{path}: {inside}"


def test_the_examples_of_references_are_found():
    assert ("search/run.py", "run_search") in REFERENCE.findall(ARCHITECTURE)
    assert len(REFERENCE.findall(ARCHITECTURE)) > 50


@every_document
def test_a_path_that_is_named_exists(name):
    paths = [
        word for word in code_words(read(name)) if re.fullmatch(r"(tests|experiments|search_spaces)/[\w./]+", word)
    ]
    plain = re.findall(r"(?<![\w/`])(tests/[\w/]+(?:\.py)?)", prose(read(name)))
    missing = [path for path in (*paths, *plain) if "NAME" not in path and not path.startswith("tests/ROOM")]
    assert not [path for path in missing if not (PROJECT / path).exists()]


# --- one document ----------------------------------------------------------------------------------------------------


def test_every_room_of_the_contract_has_its_row():
    contract = next(c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    rooms = [room for floor in contract["layers"] for room in floor.split(" | ")]
    assert [row[0].strip("`") for row in table_rows(ARCHITECTURE, "room")] == rooms
    assert f"*{contract['name']}*" in ARCHITECTURE


def test_every_idea_of_the_design_is_there():
    assert re.findall(r"^\*\*(D\d)\.", ARCHITECTURE, re.MULTILINE) == [f"D{number}" for number in range(1, 10)]


def test_a_decision_has_a_date():
    decisions = ARCHITECTURE.partition("\n## Decisions\n")[2]
    heads = re.findall(r"^\*\*(.{10})", decisions, re.MULTILINE)
    assert len(heads) >= 13
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", head) for head in heads)
    assert heads == sorted(heads)


def test_every_marker_is_explained():
    markers = {marker.partition(":")[0] for marker in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    assert {row[0].strip("`") for row in table_rows(CONTRIBUTING, "marker")} == markers


def test_the_way_to_record_what_a_person_sees_is_the_one_that_the_tests_know():
    variable = next(word for words in shell_lines(CONTRIBUTING) for word in words if word.startswith("AKL_"))
    assert f'"{variable.partition("=")[0]}"' in read("tests/cli/golden_files.py")


def test_the_changelog_speaks_of_this_version():
    assert "## [Unreleased]" in CHANGELOG
    assert autokeras_lite.__version__ in CHANGELOG


def test_the_constraints_are_pins_and_nothing_else():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.]+", line) for line in read("constraints.txt").splitlines())
