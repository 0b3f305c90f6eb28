"""A search on a terminal: recorded with its times and colours, and shown again as it stood at any of them."""

import io
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
# The tests look at the same terminal.
sys.path.insert(0, str(HERE.parents[1] / "tests" / "cli"))
from terminal_screen import Screen, Terminal  # noqa: E402 - the path stands above

WIDTH, HEIGHT = 80, 30
_CURVE = "▁▂▃▄▅▆▇█"
_NEAR = 0.15  # shares of the time
_STILL_SECONDS = 0.1  # a frame is written at once, so that a pause stands behind a whole one
_THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        *((72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (86, 212, 221), (230, 237, 243)),
    ],
)


class ColourScreen(Screen):
    """A screen whose letters keep the codes of their colours, and which remembers when it was told what."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        super().__init__(width, height)
        self.chunks: list[tuple[float, str]] = []
        self._style = ""

    def feed(self, data: str) -> None:
        """Take what a program wrote, and note the time."""
        self.chunks.append((time.time(), data))
        super().feed(data)

    def _take(self, letter: str) -> None:
        super()._take(letter)
        if letter >= " ":
            self.lines[self.row][self.column - 1] = f"\x1b[0m{self._style}{letter}"

    def _obey(self, arguments: str, letter: str) -> None:
        if letter != "m":
            super()._obey(arguments, letter)
        elif arguments in ("", "0"):
            self._style = ""
        else:
            self._style += f"\x1b[{arguments}m"


def record(command: list[str], folder: Path, file: Path, *, seconds: float) -> None:
    """Run a command in a folder on a terminal, and write down what it wrote and when."""
    quoted = f'cd "{folder}" && exec "$@"'
    terminal = Terminal(["bash", "-c", quoted, "bash", *command], {}, width=WIDTH, height=HEIGHT)
    screen = terminal.screen = ColourScreen()
    try:
        code = terminal.read_to_the_end(seconds)
    finally:
        terminal.close()
    if code != 0:
        raise SystemExit(f"The search ended with {code}:\n{Text.from_ansi(screen.text).plain}")
    file.write_text(json.dumps(screen.chunks), encoding="utf-8")


def screen_at_the_end(file: Path) -> list[str]:
    """Return every line that is left when the search has ended, with its colours."""
    return _replay(_chunks(file)).text.splitlines()


def screen_during(file: Path, share: float) -> list[str]:
    """Return what is seen around a share of the time: of the frames about then the one with most cohorts and curves."""
    chunks = _chunks(file)
    begin, end = chunks[0][0], chunks[-1][0]
    whole = [index + 1 for index, (one, other) in enumerate(pairwise(chunks)) if other[0] - one[0] > _STILL_SECONDS]
    distances = {upto: abs((chunks[upto - 1][0] - begin) / (end - begin) - share) for upto in whole}
    seen = {upto: _replay(chunks[:upto]).visible for upto, distance in distances.items() if distance < _NEAR}
    return seen[max(seen, key=lambda upto: (_cohorts_and_curves(seen[upto]), -distances[upto]))]


def as_html(lines: list[str]) -> str:
    """Return lines with colours as HTML, every letter in its place."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    return console.export_html(theme=_THEME, inline_styles=True, code_format="{code}")


def plain(lines: list[str]) -> list[str]:
    """Return lines without their colours."""
    return [Text.from_ansi(line).plain.rstrip() for line in lines]


def _cohorts_and_curves(lines: list[str]) -> tuple[int, int]:
    cohorts = [line for line in plain(lines) if line.startswith("#")]
    return len(cohorts), sum(any(letter in _CURVE for letter in line) for line in cohorts)


def _chunks(file: Path) -> list[tuple[float, str]]:
    return [(seconds, text) for seconds, text in json.loads(file.read_text(encoding="utf-8"))]


def _replay(chunks: list[tuple[float, str]]) -> ColourScreen:
    screen = ColourScreen()
    for _, text in chunks:
        screen.feed(text)
    return screen
