"""How much a space file may hold: far more than any space needs, and little enough to be read in a moment."""

from collections.abc import Mapping
from typing import Any

from autokeras_lite.errors import SpaceError

MOST_MARKS = 20_000
LONGEST_TEXT = 1_000

_MARKS = ".=,[{"  # each begins a value, or a level of a name
_LARGEST = 2**63


def check_marks(content: bytes, file: str) -> None:
    """Check, before it is parsed, that a file cannot hold very many values or levels.

    Raises:
        SpaceError: it can.
    """
    for mark in _MARKS:
        count = content.count(mark.encode())
        if count > MOST_MARKS:
            raise SpaceError(
                f"{file} holds {count:,} times {mark!r}. Expected at most {MOST_MARKS:,}. Make it shorter."
            )


def check_values(values: Mapping[str, Any], file: str) -> None:
    """Check that no name and no value is too long to be told in one line.

    Raises:
        SpaceError: a name has characters that do not show, a text is too long, or a number has more than 64 bits.
    """
    waiting: list[Any] = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            _check_names(value, file)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise SpaceError(
                f"{file} has a text of {len(value):,} characters: {value[:40]!r}. Expected at most {LONGEST_TEXT:,}. "
                "Shorten it."
            )
        elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            raise SpaceError(f"{file} has a whole number of more than 64 bits. Expected a smaller one. Correct it.")


def _check_names(table: Mapping[str, Any], file: str) -> None:
    for name in table:
        if not name.isprintable() or len(name) > LONGEST_TEXT:
            raise SpaceError(f"{file} has the key {name[:40]!r}. Expected a short one of plain characters. Rename it.")
