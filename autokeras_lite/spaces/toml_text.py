"""Reads TOML text within limits, so that no file can stall or exhaust the program."""

import tomllib
from collections.abc import Iterable
from typing import Any

from autokeras_lite.errors import SpaceError

MOST_BYTES = 1_000_000
LONGEST_LINE = 4_000
DEEPEST = 24


def parse_toml(content: bytes, file: str) -> dict[str, Any]:
    """Parse the content of a TOML file.

    The limits are 1 MB, 4,000 characters a line (a longer dotted key takes the parser memory that grows with the
    square of its length) and 24 levels.

    Raises:
        SpaceError: it is no TOML, or beyond the limits; file and line are named.

    Example:
        >>> parse_toml(b"depth = 3", "mine.toml")
        {'depth': 3}
    """
    if len(content) > MOST_BYTES:
        raise SpaceError(f"{file} has {len(content):,} bytes. Expected at most {MOST_BYTES:,}. Make it shorter.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpaceError(f"{file} is not UTF-8 at byte {error.start}. Expected text. Save it as UTF-8.") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            raise SpaceError(
                f"{file} has {len(line):,} characters in line {number}. Expected at most {LONGEST_LINE:,}. Break it."
            )
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpaceError(f"{file} is no TOML: {_one_line(error)}. Correct that line.") from None
    except RecursionError:
        raise SpaceError(_too_deep(file)) from None
    _check_depth(values, file)
    return values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _too_deep(file: str) -> str:
    return f"{file} is nested too deeply. Expected at most {DEEPEST} levels. Make it flatter."


def _check_depth(values: dict[str, Any], file: str) -> None:
    waiting: list[tuple[Any, int]] = [(values, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise SpaceError(_too_deep(file))
        inner: Iterable[Any] = ()
        if isinstance(value, dict):
            inner = value.values()
        elif isinstance(value, list):
            inner = value
        waiting += [(item, depth + 1) for item in inner]
