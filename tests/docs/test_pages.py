"""What the pages say is what the program does."""

import ast
import os
import re
from collections.abc import Iterator
from contextlib import chdir
from fnmatch import fnmatch
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from document_parts import (
    COMMANDS,
    PAGES,
    PROGRAM,
    PROJECT,
    Block,
    all_blocks,
    code_words,
    links,
    options_of,
    read,
    shell_lines,
    split_command,
    table_rows,
)
from generated_parts import PARTS, option_types, part_names, with_generated_parts
from page_search import LONG, SHORT

import autokeras_lite as akl
from autokeras_lite.config import SearchOptions, as_search_config
from autokeras_lite.models.check import check_space
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.spaces.load import json_schema, read_space
from autokeras_lite.tracking.names import NAMES

UPDATE = "AKL_UPDATE_GOLDEN"
DOCS = "autokeras_lite/docs"
NO_RUN = re.compile(r"no-run: \w.{10,}")
# Keywords of `search` that are no options.
OWN = {"target", "observer", "started"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: Path(page).stem)


def page(name: str) -> str:
    return read(f"{DOCS}/{name}.md")


# --- the pages as a whole --------------------------------------------------------------------------------------------


@every_page
def test_what_the_program_writes_is_up_to_date(page):
    text = read(page)
    made = with_generated_parts(text)
    if os.environ.get(UPDATE) == "1":
        (PROJECT / page).write_text(made, encoding="utf-8")
        text = read(page)
    assert text == made, f"{page} is out of date. Write it anew: {UPDATE}=1 pytest tests/docs, then read the diff."


def test_every_part_that_the_program_writes_stands_on_one_page():
    assert sorted(name for page in PAGES for name in part_names(read(page))) == sorted(PARTS)


@every_page
def test_a_page_leads_to_other_pages_only_so_that_it_holds_wherever_it_is_installed(page):
    files = {target.partition("#")[0] for target in links(read(page))} - {""}
    assert files <= {Path(other).name for other in PAGES}


def test_the_index_names_every_page():
    named = set(links(page("index")))
    assert named == {Path(other).name for other in PAGES} - {"index.md"}


@every_page
def test_a_long_page_begins_with_its_headings(page):
    text = read(page)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    listed = re.findall(r"^- \[(.+)\]\(#", text, re.MULTILINE)
    assert listed in ([], headings)
    assert listed or len(headings) < 5 or "<!-- generated: commands -->" in text


# --- commands --------------------------------------------------------------------------------------------------------


def program_lines(text: str) -> list[list[str]]:
    """Return the words behind the program's name, up to where the shell sends the output elsewhere."""
    return [
        list(takewhile(lambda word: word not in {">", "|"}, words[1:]))
        for words in shell_lines(text)
        if words[0] == PROGRAM
    ]


LINES = [(Path(page).stem, words) for page in PAGES for words in program_lines(read(page))]


@pytest.mark.parametrize(("_page", "words"), LINES, ids=lambda part: part if isinstance(part, str) else " ".join(part))
def test_a_command_of_a_page_is_one_that_the_program_takes(_page, words):
    path, arguments = split_command(words)
    assert path, f"{words} begins with no command"
    COMMANDS[path].make_context(" ".join(path), list(arguments))


@every_page
def test_a_command_and_an_option_that_a_page_names_exist(page):
    known = set().union(*(options_of(command) for command in COMMANDS.values()), {"-h", "--help", "--version"})
    for word in code_words(read(page)):
        parts = word.split()
        if parts[:1] == [PROGRAM] and len(parts) > 1 and not parts[1].startswith("-"):
            path, rest = split_command(parts[1:])
            assert path, f"{word} names no command"
            assert {part for part in rest if part.startswith("-")} <= options_of(COMMANDS[path]), word
        elif re.match(r"--?[a-z]", word):
            assert {part.rstrip(",") for part in parts if re.match(r"--?[a-z]", part)} <= known, word


def test_every_command_and_every_option_is_documented():
    text = page("commands")
    words = {part.rstrip(",") for word in code_words(text) for part in word.split()}
    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    for path, command in COMMANDS.items():
        assert " ".join(path) in headings
        options = {option for option in options_of(command) if option.startswith("-")}
        assert options - {"-h", "--help"} <= words, path


# --- Python ----------------------------------------------------------------------------------------------------------


def python_blocks(page: str) -> list[Block]:
    return [block for block in all_blocks(read(page)) if block.language == "python"]


@every_page
def test_a_block_has_a_language_and_one_that_is_not_run_a_reason(page):
    for block in all_blocks(read(page)):
        assert block.language in {"python", "sh", "toml", "text", "console"}, block
        assert not block.note or (block.language == "python" and NO_RUN.fullmatch(block.note)), block.note


@every_page
def test_a_search_on_a_page_has_options_that_search_takes(page):
    for block in python_blocks(page):
        for call in calls_of_search(ast.parse(block.content)):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            unknown = set(given) - OWN - set(SearchOptions.__annotations__)
            assert not unknown, f"{page}, line {block.line + call.lineno - 1}"
            options: Any = {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}
            as_search_config({name: options[name] for name in options if name not in OWN}, name="any", targets=())


def calls_of_search(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "search":
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "akl":
                yield node


def test_what_a_page_may_not_say_of_a_search_is_found():
    (call,) = calls_of_search(ast.parse('akl.search("data.csv", target="y", time="5m")'))
    assert {keyword.arg for keyword in call.keywords} - OWN - set(SearchOptions.__annotations__) == {"time"}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(not block.note for block in python_blocks(page))])
def test_the_python_of_a_page_runs_from_top_to_bottom(page, toured):
    names: dict[str, Any] = {"__name__": "page"}
    with chdir(toured):
        for block in python_blocks(page):
            if not block.note:
                code = "\n" * (block.line - 1) + block.content.replace(LONG, SHORT)
                exec(compile(code, page, "exec"), names)  # the pages are ours


def test_every_option_of_search_is_documented():
    rows = table_rows(page("options_in_python"), "key")
    assert [row[0].strip("`") for row in rows] == list(SearchOptions.__annotations__) == list(option_types())
    assert all(meaning and default for _, _, meaning, default in rows)


MEMBERS = {name for name in vars(akl.SearchResult) if not name.startswith("_")} | {"folder"}


def test_every_member_of_a_result_is_documented():
    rows = table_rows(page("options_in_python"), "member")
    assert {word.partition("(")[0] for row in rows for word in re.findall(r"`([^`]+)`", row[0])} == MEMBERS


# --- spaces ----------------------------------------------------------------------------------------------------------

HEAD = 'family = "layer_stack"\nsummary = "An example"\naccepts = ["table"]\n\n'
STACK = """
[[stack]]
name = "hidden"
layers = [{ kind = "Dense", units = { type = "int", low = 16, high = 256, default = 64 } }]
"""
SPACES = [
    (f"{Path(page).stem}-{block.line}", block.content)
    for page in PAGES
    for block in all_blocks(read(page))
    if block.language == "toml"
]


@pytest.mark.parametrize("content", [content for _, content in SPACES], ids=[name for name, _ in SPACES])
def test_a_space_on_a_page_can_be_searched(content):
    if "family = " not in content:
        content = HEAD + content + ("" if "[[stack]]" in content else STACK)
    check_space(read_space(content.encode(), file="page.toml", name="page"), FAMILIES)


def keys_of_a_space() -> set[str]:
    """Return every key that the form of a space has, but for the settings of layers."""
    schema = json_schema()
    forms = [schema, *(form for name, form in schema["$defs"].items() if "kind" not in form.get("properties", {}))]
    return {key for form in forms for key in form.get("properties", {})}


def test_every_key_of_a_space_is_documented_with_an_example():
    text = page("writing_a_space")
    explained = {part for word in code_words(text) for part in re.findall(r"\w+", word)}
    shown = {key for _, content in SPACES for key in re.findall(r"\w+(?= =)|(?<=\[)\w+(?=\])", content)}
    keys = keys_of_a_space()
    assert {"when", "growth", "block", "portfolio"} <= keys
    assert keys <= explained
    assert keys <= shown


# --- tracking and files ----------------------------------------------------------------------------------------------


def test_every_tag_parameter_and_metric_is_documented():
    text = page("tracking")
    rows = [row for what in ("tag", "parameter", "metric") for row in table_rows(text, what)]
    assert sorted((row[0].strip("`"), row[1]) for row in rows) == sorted((name.key, name.runs) for name in NAMES)


def file_patterns() -> list[str]:
    text = page("files_of_a_search")
    named = [word for row in table_rows(text, "file") for word in re.findall(r"`([^`]+)`", row[0])]
    return [re.sub(r"NUMBER|FOLD", "*", name) for name in named]


def test_a_file_of_another_search_would_be_missed():
    assert not any(fnmatch("artifact/secret.txt", pattern) for pattern in file_patterns())


@pytest.mark.slow
def test_every_file_of_a_search_is_documented(toured):
    folder = toured / "autokeras_lite_runs" / "credit"
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert len(found) > 10
    assert not [name for name in found if not any(fnmatch(name, pattern) for pattern in file_patterns())]


@pytest.mark.slow
def test_everything_beside_the_searches_is_documented(toured):
    rows = table_rows(page("files_of_a_search"), "file in the runs folder")
    named = {word.rstrip("/") for row in rows for word in re.findall(r"`([^`]+)`", row[0])}
    assert {path.name for path in (toured / "autokeras_lite_runs").iterdir()} - {"credit"} <= named
