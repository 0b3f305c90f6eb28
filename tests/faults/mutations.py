"""How a file is damaged for a fuzzing test: a few edits of its bytes, which hypothesis makes fewer when one fails."""

from hypothesis import strategies as st

# Bytes that mean something to some format: separators, quotes, brackets, numbers that overflow, lengths, magic.
TOKENS = (
    *(b"\x00", b"\xff", b"\n", b"\r", b'"', b"'", b",", b"\t", b"\\", b"#", b"=", b".", b"..", b"/", b"../"),
    *(b"[", b"]", b"{", b"}", b"[[[[[[[[", b"{}", b"nan", b"inf", b"1e999", b"-0", b"9" * 40, b"true", b"null"),
    *(b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x08", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"PAR1", b"\xc3\x28"),
)
_EDITS = ("replace", "insert", "delete", "repeat", "cut")


@st.composite
def mutated(draw: st.DrawFn, content: bytes, most_edits: int = 4) -> bytes:
    """Draw a damaged form of `content`."""
    for _ in range(draw(st.integers(1, most_edits))):
        content = edited(
            content,
            draw(st.sampled_from(_EDITS)),
            draw(st.integers(0, max(0, len(content)))),
            draw(st.integers(1, 40)),
            draw(st.one_of(st.sampled_from(TOKENS), st.binary(min_size=1, max_size=8))),
        )
    return content


def edited(content: bytes, edit: str, place: int, length: int, piece: bytes) -> bytes:
    """Carry out one edit."""
    before, after = content[:place], content[place:]
    match edit:
        case "replace":
            return before + piece + after[len(piece) :]
        case "insert":
            return before + piece + after
        case "delete":
            return before + after[length:]
        case "repeat":
            return before + after[:length] * 3 + after[length:]
        case _:
            return before
