"""The parts of a Markdown document that tests look at."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from autokeras_lite.cli.functions import RealFunctions
from autokeras_lite.cli.main import make_cli

PROJECT = Path(__file__).parents[2]
PAGES = tuple(sorted(path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("autokeras_lite/docs/*.md")))
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", *PAGES)
PROGRAM = "autokeras-lite"

_BLOCK = re.compile(r"^```(\w*)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]*)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A code block; `note` follows the language, `line` is that of its first line of code, from 1."""

    language: str
    note: str
    content: str
    line: int


def all_blocks(text: str) -> list[Block]:
    """Return every code block, in order."""
    found = _BLOCK.finditer(text)
    return [Block(one[1], one[2] or "", one[3], text.count("\n", 0, one.start(3)) + 1) for one in found]


def blocks(text: str, *languages: str) -> list[str]:
    """Return the content of the code blocks in these languages."""
    return [block.content for block in all_blocks(text) if block.language in languages]


def prose(text: str) -> str:
    """Return the text without its code blocks."""
    return _BLOCK.sub("", text)


def code_words(text: str) -> list[str]:
    r"""Return what stands between backticks in the prose; in a table `\|` is a bar."""
    return [word.replace(r"\|", "|") for word in _CODE.findall(prose(text))]


def table_rows(text: str, first_cell: str) -> list[list[str]]:
    """Return the cells of the table whose header begins with a cell, row by row, without the header."""
    table = text.partition(f"\n| {first_cell} |")[2].partition("\n\n")[0]
    rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document, as GitHub makes them of its headings."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(text)))
    return {heading.replace(" ", "-") for heading in kept}


def pictures(text: str) -> list[tuple[str, str]]:
    """Return what is to be read in place of each picture that is shown, and its file."""
    return [(" ".join(words.split()), file) for words, file in _PICTURE.findall(prose(text))]


def links(text: str) -> list[str]:
    """Return the targets of the links that lead to files or to headings."""
    found = re.findall(r"\]\(([^)\s]+)\)", _PICTURE.sub("", prose(text)))
    return [target for target in found if not target.startswith(("https://", "http://"))]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with the words that lead to it, groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(make_cli(RealFunctions())))


def shell_lines(text: str) -> list[list[str]]:
    """Return the words of every line of a shell block, comments left out."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines += [line[2:] for block in blocks(text, "console") for line in block.splitlines() if line.startswith("$ ")]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def split_command(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Split the words behind the program's name into the longest command that exists and its arguments."""
    length = max((n for n in range(len(words) + 1) if tuple(words[:n]) in COMMANDS), default=0)
    return tuple(words[:length]), words[length:]
