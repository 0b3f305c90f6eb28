"""Writing files so that a crash leaves the earlier one or the new one, and reading back JSON within limits."""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autokeras_lite.errors import ArtifactError, StorageError

# A limit on the size of a file, or a quota, is met in the same way as a full disk.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

MOST_JSON_BYTES = 16 * 2**20
MOST_JSON_VALUES = 1_000_000

_DEEPEST = 64
_AS_WRITTEN = "Expected the file that the search wrote. Restore it from a copy, or search again."


@contextmanager
def whole_file(path: Path, neighbour: Path | None = None) -> Iterator[Path]:
    """Write a file whole or not at all: yield a neighbour, which is synced and takes the name, with the folder synced.

    It is `path` with `.tmp` behind it, unless another one is named. After an error it is gone, and an earlier file at
    `path` stays.
    """
    neighbour = neighbour or path.with_name(f"{path.name}.tmp")
    try:
        yield neighbour
        sync(neighbour)
        neighbour.replace(path)
    except BaseException:
        neighbour.unlink(missing_ok=True)  # room for whoever goes on
        raise
    sync(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes as a `whole_file`.

    Raises:
        StorageError: the disk is full.
    """
    with disk_faults(path), whole_file(path) as neighbour:
        neighbour.write_bytes(content)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write values as JSON, as a `whole_file`.

    Raises:
        StorageError: the disk is full.
    """
    write_bytes(path, json.dumps(values, indent=1, default=str).encode())


def read_json(path: Path, *, most_bytes: int = MOST_JSON_BYTES, most_values: int = MOST_JSON_VALUES) -> Any:
    """Read a JSON file that a person may have handed us, within limits: its size, and those of `parse_json`.

    Raises:
        ArtifactError: it cannot be read, is longer than `most_bytes`, or is no JSON.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is no file. Expected the one that the search wrote. Restore it from a copy.")
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read ({error.strerror}). Expected a readable file. Correct it."
        ) from error
    if len(content) > most_bytes:
        raise ArtifactError(f"{path} is longer than {most_bytes:,} bytes. {_AS_WRITTEN}")
    return parse_json(content, str(path), most_values=most_values)


def parse_json(content: bytes, source: str, *, most_values: int = MOST_JSON_VALUES) -> Any:
    """Read JSON text of at most 64 levels and `most_values`, which bounds the time and the memory that it takes.

    Raises:
        ArtifactError: it is no JSON, or beyond the limits; `source` is named.

    Example:
        >>> parse_json(b'{"trials": [1, 2]}', "summary.json")
        {'trials': [1, 2]}
    """
    if sum(content.count(mark) for mark in (b"[", b"{", b",")) > most_values:
        raise ArtifactError(f"{source} holds more than {most_values:,} values. {_AS_WRITTEN}")
    try:
        values = json.loads(content)
    except RecursionError:
        raise ArtifactError(f"{source} is nested too deeply. {_AS_WRITTEN}") from None
    except ValueError as error:
        why = " ".join(str(error).split())[:80]
        raise ArtifactError(f"{source} is damaged ({why}). {_AS_WRITTEN}") from error
    if _depth_beyond(values, _DEEPEST):
        raise ArtifactError(f"{source} is nested more than {_DEEPEST} levels deep. {_AS_WRITTEN}")
    return values


def _depth_beyond(values: Any, deepest: int) -> bool:
    level = [values]
    for _ in range(deepest + 1):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [value for group in inner for value in group if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_disk_full(error: BaseException) -> bool:
    """Say whether an error means that there is no room for a file."""
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn what a full disk raises into the line that a person reads; other errors pass."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise StorageError(
            f"The disk of {path.parent} is full ({error.strerror}). Expected room for the results. "
            "Free some space, then go on with the same command: nothing that was finished is lost."
        ) from error
