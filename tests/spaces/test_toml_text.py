"""Laws of reading TOML within limits."""

import pytest

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.toml_text import DEEPEST, LONGEST_LINE, MOST_BYTES, parse_toml


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a = 1\nb = \n", r"mine.toml is no TOML: .*line 2, column 5"),
        (b"a = '\xff'", "mine.toml is not UTF-8 at byte 5"),
        (b"#" * (MOST_BYTES + 1), "mine.toml has 1,000,001 bytes"),
        (b"a." * LONGEST_LINE + b"a = 1", "mine.toml has 8,005 characters in line 1"),
        (b"a = " + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "mine.toml is nested too deeply"),
        (b"\n".join([b"a = ", b""]).strip() + b"\\\n", "mine.toml is no TOML"),
    ],
)
def test_what_is_no_toml_or_beyond_the_limits_is_refused(content, text):
    with pytest.raises(SpaceError, match=text):
        parse_toml(content, "mine.toml")


def test_nesting_that_overflows_the_parser_is_refused_in_the_same_words():
    lines = b"\n".join([b"[" * 2_000] * 20)
    with pytest.raises(SpaceError, match="is nested too deeply"):
        parse_toml(b"a = " + lines, "mine.toml")


def test_ordinary_depth_is_accepted():
    assert parse_toml(b"a = " + b"[" * DEEPEST + b"]" * DEEPEST, "mine.toml")
