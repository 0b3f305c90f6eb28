"""Standard output and error: who may write there, and in what form."""

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

import click
from rich.console import Console, RenderableType

PLAIN_WIDTH = 100
_STDOUT, _STDERR = 1, 2


def make_console(stream: TextIO) -> Console:
    """Return a console over a stream; without a terminal it has no colours and a fixed width (or `COLUMNS`)."""
    is_fixed = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, width=PLAIN_WIDTH if is_fixed else None, highlight=False, emoji=False, markup=False)


def show(console: Console, renderable: RenderableType) -> None:
    """Print a picture; without a terminal, without the blanks that fill its lines."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        console.file.write(f"{line.rstrip()}\n")
    console.file.flush()


def print_json(values: Any) -> None:
    """Print one JSON document to standard output; numbers that are not finite become null."""
    click.echo(json.dumps(_plain(values), indent=2, ensure_ascii=False, default=str, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def stdout_for_us_alone() -> Iterator[None]:
    """Send to standard error what anything else, child processes too, writes to standard output meanwhile."""
    sys.stdout.flush()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)
