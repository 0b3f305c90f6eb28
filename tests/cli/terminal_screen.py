"""A small terminal: takes what a program writes, and tells what a person would see."""

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass, field
from functools import partial

_CODE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")
_HALF_CODE = re.compile(r"\x1b(?:\[\??[0-9;]*)?\Z")
_STYLE = re.compile(r"\x1b\[([0-9;]*)m")


def has_colour(text: str) -> bool:
    """Say whether a text changes colours; bold and dim letters are none."""
    codes = [int(code) for found in _STYLE.findall(text) for code in found.split(";") if code]
    return any(30 <= code <= 49 or 90 <= code <= 107 for code in codes)


def moves_the_cursor(text: str) -> bool:
    """Say whether a text does more to a terminal than to change how letters look."""
    return "\x1b" in _STYLE.sub("", text)


@dataclass
class Screen:
    """Shows text; lines are kept when they scroll off, and whole where the terminal becomes narrower."""

    width: int = 80
    height: int = 24
    row: int = 0
    column: int = 0
    top: int = 0
    num_wraps: int = 0
    is_cursor_shown: bool = True
    lines: list[list[str]] = field(default_factory=lambda: [[]])

    @property
    def text(self) -> str:
        """Everything that was ever on the screen and was not erased."""
        return "\n".join("".join(line).rstrip() for line in self.lines)

    @property
    def visible(self) -> list[str]:
        """The lines that are on the screen now."""
        return ["".join(line).rstrip() for line in self.lines[self.top :]]

    def resize(self, width: int, height: int) -> None:
        """Become wider or narrower."""
        self.width, self.height = width, height
        self.column = min(self.column, width)
        self.top = max(self.top, self.row - height + 1)

    def feed(self, data: str) -> None:
        """Take what a program wrote."""
        position = 0
        while position < len(data):
            code = _CODE.match(data, position)
            if code:
                self._obey(code[1], code[2])
                position = code.end()
                continue
            self._take(data[position])
            position += 1

    def _take(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._go_down()
        elif letter >= " ":
            if self.column >= self.width:
                self.num_wraps += 1
                self.column = 0
                self._go_down()
            line = self.lines[self.row]
            line.extend(" " * (self.column + 1 - len(line)))
            line[self.column] = letter
            self.column += 1

    def _go_down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])
        self.top = max(self.top, self.row - self.height + 1)

    def _obey(self, arguments: str, letter: str) -> None:
        if letter == "A":
            self.row = max(self.top, self.row - int(arguments or 1))
        elif letter == "K":
            self.lines[self.row] = []
        elif arguments == "?25":
            self.is_cursor_shown = letter == "h"


class Terminal:
    """A program on a pseudo-terminal, whose output goes to a `Screen`."""

    def __init__(self, command: list[str], environment: dict[str, str], *, width: int = 80, height: int = 24) -> None:
        self.screen = Screen(width, height)
        self.raw = ""
        self._held = ""  # the beginning of a code
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = os.openpty()
        self._set_size(width, height)
        kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment},
            start_new_session=True,
            # Whoever starts the tests in the background has it ignored, and so would the program.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )
        os.close(theirs)

    def resize(self, width: int, height: int) -> None:
        """Become wider or narrower; the program is told, as by a window manager."""
        self.screen.resize(width, height)
        self._set_size(width, height)

    def press_ctrl_c(self) -> None:
        """Do what a person does."""
        self.process.send_signal(signal.SIGINT)

    def read_until(self, words: str, seconds: float = 60.0) -> None:
        """Read until a text is to be seen; fails where it never is."""
        end = time.monotonic() + seconds
        while words not in "\n".join(self.screen.visible):
            assert time.monotonic() < end, f"{words!r} was never seen:\n{self.screen.text}"
            assert self._read(), f"It ended before {words!r} was seen:\n{self.screen.text}"

    def read_to_the_end(self, seconds: float = 60.0) -> int:
        """Read until the program has ended, and return its exit code."""
        end = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < end, f"It goes on:\n{self.screen.text}"
        return self.process.wait(timeout=seconds)

    def close(self) -> None:
        """End the program, if it still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def _read(self) -> bool:
        """Read what there is, waiting a while; say whether more may come."""
        if not select.select([self._ours], [], [], 0.1)[0]:
            return True
        try:
            content = os.read(self._ours, 65536)
        except OSError:  # the other end is closed
            return False
        if not content:
            return False
        text = self._held + self._decoder.decode(content)
        held = _HALF_CODE.search(text)
        self._held = held[0] if held else ""
        text = text.removesuffix(self._held) if self._held else text
        self.raw += text
        self.screen.feed(text)
        return True
