"""Standard output and error: who may write there, and in what form."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from autokeras_lite.report.wording import UNPRINTABLE, json_values, printable

if TYPE_CHECKING:
    import pandas as pd

PLAIN_WIDTH = 100
_STDOUT, _STDERR = 1, 2


class PlainTextConsole(Console):
    """Draws pictures whose texts come from data: rich's own colours reach the terminal, codes in the texts do not."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the segments of a picture, each with a printable text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def make_console(stream: TextIO) -> Console:
    """Return a console over a stream; without a terminal it has no colours and a fixed width (or `COLUMNS`)."""
    is_fixed = not stream.isatty() and "COLUMNS" not in os.environ
    width = PLAIN_WIDTH if is_fixed else None
    return PlainTextConsole(file=stream, width=width, highlight=False, emoji=False, markup=False)


def is_live(console: Console) -> bool:
    """Say whether to draw one picture again and again: on a terminal that can, where no build server keeps the output.

    With `FORCE_COLOR` rich takes any file for a terminal, so the file itself is asked.
    """
    is_kept = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return console.file.isatty() and console.is_terminal and not console.is_dumb_terminal and not is_kept


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
    """Print one JSON document to standard output; numbers that are not finite become null, no letter is left out."""
    text = json.dumps(json_values(values), indent=2, ensure_ascii=False, default=str, allow_nan=False)
    click.echo(UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_csv(frame: "pd.DataFrame", *, is_spreadsheet_safe: bool) -> None:
    """Print a frame to standard output as CSV; on a terminal without what a terminal would obey."""
    from autokeras_lite.data.spreadsheet import without_formulas

    text = (without_formulas(frame) if is_spreadsheet_safe else frame).to_csv(index=False)
    # `color` keeps click from leaving out what looks like a colour.
    click.echo(printable(text) if sys.stdout.isatty() else text, nl=False, color=True)


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
