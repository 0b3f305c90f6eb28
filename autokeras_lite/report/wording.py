"""Numbers, times and names as a page, a card or a terminal shows them."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

# What ends lines, steers a terminal or turns the order of letters round; tab and line feed are harmless.
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""Leave out letters that do something instead of being shown.

    Example:
        >>> printable("a \x1b[31mred\x07 na\u202eme")
        'a [31mred name'
    """
    return UNPRINTABLE.sub("", text)


def one_line(text: str) -> str:
    r"""Return a printable text whose lines stand behind each other.

    Example:
        >>> one_line("no room\n\n  for it")
        'no room for it'
    """
    return " ".join(filter(None, map(str.strip, printable(text).splitlines())))


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters, with `…` in place of its end where it is longer.

    Example:
        >>> shortened("a long name", 6)
        'a lon…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def count(number: int, noun: str) -> str:
    """Write a number of things.

    Example:
        >>> count(1, "trial"), count(32561, "row")
        ('1 trial', '32,561 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def show_number(value: float | None) -> str:
    """Write a score or another measured number.

    Example:
        >>> show_number(0.91234), show_number(51234.5), show_number(None)
        ('0.9123', '5.123e+04', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.4f}" if 0.01 <= abs(value) < 100 or value == 0 else f"{value:.4g}"


def show_seconds(seconds: float) -> str:
    """Write a duration.

    Example:
        >>> show_seconds(4.26), show_seconds(125), show_seconds(3725)
        ('4.3 s', '2 min 5 s', '1 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def show_value(value: Any) -> str:
    """Write a value of a configuration.

    Example:
        >>> show_value(0.00123456), show_value(True), show_value(None), show_value(20000)
        ('0.00123', 'yes', 'none', '20,000')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else printable(str(value))


def show_share(part: float, whole: float) -> str:
    """Write a part of a whole in percent; what is there is never 0 %.

    Example:
        >>> show_share(1, 3), show_share(1, 100_000), show_share(0, 3)
        ('33.3 %', '< 0.1 %', '0 %')
    """
    if part == 0 or whole == 0:
        return "0 %"
    share = 100 * part / whole
    return "< 0.1 %" if share < 0.1 else f"{share:.3g} %"


def show_bytes(num_bytes: float) -> str:
    """Write a size.

    Example:
        >>> show_bytes(3 << 20), show_bytes(700)
        ('3.0 MiB', '700 B')
    """
    size, units = float(num_bytes), ("B", "KiB", "MiB", "GiB", "TiB")
    index = min(int(math.log(max(size, 1), 1024)), len(units) - 1)
    return f"{size / 1024**index:.1f} {units[index]}" if index else f"{num_bytes:.0f} B"


def json_values(value: Any, write_text: Callable[[str], str] = str) -> Any:
    """Return values as JSON can hold them: what is not finite becomes `None`, what is of numpy plain, a tuple a list.

    Texts, but for keys, are written by `write_text`; what JSON has no form for stays as it is.

    Example:
        >>> json_values({1: (0.5, float("nan")), "name": "a"}, write_text=str.upper)
        {'1': [0.5, None], 'name': 'A'}
    """
    if isinstance(value, str):
        return write_text(value)
    if isinstance(value, Mapping):
        return {str(key): json_values(item, write_text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item, write_text) for item in value]
    if hasattr(value, "tolist"):
        return json_values(value.tolist(), write_text)
    return None if isinstance(value, float) and not math.isfinite(value) else value
