"""Inputs of single rows as small pictures and short texts, for a page that fetches nothing."""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.report.given_rows import GivenRows
from autokeras_lite.report.wording import one_line, shortened, show_value

MOST_PIXELS = 96  # of a side
_MOST_CHANNELS = 3
_MOST_TOKENS = 24
_MOST_LETTERS = 160
_MOST_CELL_LETTERS = 60
_WIDTH, _HEIGHT = 160, 48
_MOST_PLACES = 120


def picture_of(given: GivenRows | None, row: int) -> str:
    """Return the address of an image as a PNG that a page holds; empty where the row is no image, or not at hand."""
    array = None if given is None else given.array
    if given is None or array is None or given.kind is not InputKind.IMAGE or row not in given:
        return ""
    return png_address(array[row])


def png_address(image: NDArray[Any]) -> str:
    """Return the address of an image `(height, width, channels)` as a PNG of at most 96 pixels on a side.

    Bytes are shown as they are, other values from the least of the image to the greatest. Of channels that are neither
    one nor three the first is shown. Source: PNG specification, third edition (W3C 2025), sections 5 and 11.

    Example:
        >>> png_address(np.zeros((2, 2, 1), np.uint8))[:28]
        'data:image/png;base64,iVBORw'
    """
    step = max(1, -(-max(image.shape[:2]) // MOST_PIXELS))
    pixels = _as_bytes(image[::step, ::step])
    pixels = pixels if pixels.shape[2] == 3 else pixels[:, :, :1]
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    kind = 2 if channels == 3 else 0
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, part) for name, part in parts)
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _as_bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    values = np.nan_to_num(np.asarray(image, np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    return np.ascontiguousarray((255 * (values - low) / ((high - low) or 1.0)).round().astype(np.uint8))


def lines_of(given: GivenRows | None, row: int) -> tuple[str, ...]:
    """Return the first channels of a sequence as paths of an SVG of 160 x 48, each from its least to its greatest."""
    array = None if given is None else given.array
    if given is None or array is None or given.kind is not InputKind.SEQUENCE or row not in given:
        return ()
    values = np.asarray(array[row], np.float64)[:: max(1, len(array[row]) // _MOST_PLACES), :_MOST_CHANNELS]
    return tuple(_path(channel) for channel in values.T if np.isfinite(channel).all() and len(channel) > 1)


def _path(values: NDArray[np.float64]) -> str:
    x = np.linspace(1, _WIDTH - 1, len(values))
    low, high = float(values.min()), float(values.max())
    y = _HEIGHT - 2 - (_HEIGHT - 4) * ((values - low) / (high - low) if high > low else np.full(len(values), 0.5))
    return "M" + "L".join(f"{one:.1f} {other:.1f}" for one, other in zip(x, y, strict=True))


def text_of(given: GivenRows | None, row: int, first: Sequence[str] = ()) -> str:
    """Return a row of a table, or tokens, in words; the columns `first` come first. Empty where it is not at hand."""
    if given is None or row not in given:
        return ""
    if given.frame is not None:
        return _cells(given.frame, row, first)
    return _tokens(given.array[row]) if given.array is not None and given.kind is InputKind.TOKENS else ""


def _cells(frame: pd.DataFrame, row: int, first: Sequence[str]) -> str:
    names = [*(name for name in first if name in frame), *(name for name in frame if name not in first)]
    cells = (f"{one_line(str(name))} {_cell(frame[name].iloc[row])}" for name in names)
    return shortened("; ".join(cells), _MOST_LETTERS)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    plain = value.item() if hasattr(value, "item") else value
    return shortened(one_line(show_value(plain)), _MOST_CELL_LETTERS)


def _tokens(tokens: NDArray[Any]) -> str:
    """Leave out the zeros at the end, which only fill up."""
    used = np.trim_zeros(tokens, "b")
    shown = " ".join(str(int(token)) for token in used[:_MOST_TOKENS])
    return f"{shown} … ({len(used)} tokens)" if len(used) > _MOST_TOKENS else shown
