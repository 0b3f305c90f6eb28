"""Archives of arrays as numpy writes them: what each member claims is checked before it is read."""

import math
import tokenize
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.archive import ARCHIVE_ERRORS, list_members
from autokeras_lite.data.frames import listed
from autokeras_lite.data.free_memory import require_memory
from autokeras_lite.data.text_file import first_line
from autokeras_lite.errors import DataError

# What numpy raises for a header that is no Python literal, beside what a damaged archive raises.
_HEADER_ERRORS = (SyntaxError, MemoryError, Warning, tokenize.TokenError)
_KNOWN = ("x", "tokens", "y")
_SUFFIX = ".npy"
_ORDINARY_VERSION = (1, 0)  # of the header; others are for what is no plain array
_ORDINARY_KINDS = "biufUM"  # truths, numbers, texts and dates


@dataclass(frozen=True)
class Arrays:
    """What an .npz file holds: inputs `x` (token codes if `are_tokens`), and targets `y` where it has them."""

    x: NDArray[Any]
    y: NDArray[Any] | None
    are_tokens: bool = False


def read_npz_file(path: Path) -> Arrays:
    """Read the arrays `x` or `tokens`, and `y`; others are left alone.

    Raises:
        DataError: it is damaged, holds Python objects, lacks its arrays, or claims more than there is memory for.
    """
    try:
        if not zipfile.is_zipfile(path):  # may itself fail on a damaged one
            raise DataError(
                f"{path.name} is no readable .npz archive. Expected x (or tokens) and y. Write it with numpy.savez."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a header that numpy had to guess at
            names, arrays = _read_members(path)
    except (*ARCHIVE_ERRORS, *_HEADER_ERRORS) as error:
        raise DataError(
            f"{path.name} is no readable .npz file without Python objects ({first_line(error)}). Write it with "
            "numpy.savez from arrays of numbers or texts."
        ) from error
    if ("x" in arrays) == ("tokens" in arrays):
        raise DataError(
            f"{path.name} holds the arrays {names}. Expected exactly one of x and tokens, with y for targets."
        )
    inputs = arrays["tokens"] if "tokens" in arrays else arrays["x"]
    return Arrays(inputs, arrays.get("y"), are_tokens="tokens" in arrays)


def _read_members(path: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    members = {member.filename.removesuffix(_SUFFIX): member for member in list_members(path)}
    wanted = [name for name in _KNOWN if name in members]
    with zipfile.ZipFile(path) as archive:
        sizes = []
        for name in wanted:
            with archive.open(members[name]) as file:
                sizes.append(_claimed_bytes(name, file, members[name].file_size))
    require_memory(path.name, sum(sizes))
    with np.load(path, allow_pickle=False) as loaded:
        arrays = {name: _native(loaded[name]) for name in wanted}
    return listed(list(members)) or "none", arrays


def _claimed_bytes(name: str, file: IO[bytes], held: int) -> int:
    """Read the header of one array, and check that the bytes behind it are as many as it says."""
    if np.lib.format.read_magic(file) != _ORDINARY_VERSION:
        raise ValueError(f"{name} is no plain array")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in _ORDINARY_KINDS or dtype.itemsize == 0:
        raise ValueError(f"{name} has the type {dtype!s:.40}")
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed != held - file.tell():
        raise ValueError(f"{name} claims the shape {shape}, which is not what it holds")
    return claimed


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the byte order of this machine, which pandas needs."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
