"""Looks through the weights in a model file: every array stands in that file, and is as large as it says."""

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py  # type: ignore[import-untyped]  # it ships no types

from autokeras_lite.durable import disk_faults

MOST_OBJECTS = 1_000_000  # one or two for every layer, of which each column has some

_MAGIC = b"\x89HDF\r\n\x1a\n"
_CHUNK_BYTES = 2**20
_MOST_IN_MEMORY = 64 * 2**20
_LOCAL_HEADER = b"PK\x03\x04"
_LOCAL_HEADER_BYTES = 30  # and then a name and more, of the lengths in its last four bytes
_NUMBERS = "biuf"


def check_weights(path: Path, member: zipfile.ZipInfo) -> None:
    """Check the HDF5 file in an archive without following a link out of it and without reading an array.

    It is looked at where it stands, and unpacked first only if it is packed, which Keras never does.

    Raises:
        ValueError: it is no HDF5, has links, virtual arrays, arrays in other files, packed ones, or of no numbers.
        OSError: it is damaged.
        StorageError: there is no room to unpack it.
    """
    with _seekable(path, member) as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("its weights are no HDF5 file")
        file.seek(0)
        try:
            with h5py.File(file, "r") as weights:
                _check_objects(weights, member.file_size)
        except (RuntimeError, KeyError, TypeError, AttributeError) as error:
            # What h5py makes of an error of the HDF5 library depends on where it occurred.
            raise ValueError(f"its weights are damaged: {error}") from error


@contextmanager
def _seekable(path: Path, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    if member.compress_type == zipfile.ZIP_STORED:
        with _Window(path, member) as window:
            yield window  # type: ignore[misc]  # it reads and seeks, and more is not asked for
        return
    with tempfile.SpooledTemporaryFile(_MOST_IN_MEMORY, dir=str(path.parent)) as copy:
        with disk_faults(path), zipfile.ZipFile(path) as archive, archive.open(member) as packed:
            _copy(packed, copy, member.file_size)
            copy.seek(0)
        yield copy


def _copy(file: IO[bytes], copy: IO[bytes], size: int) -> None:
    left = size
    while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
        left -= copy.write(chunk)


class _Window(io.RawIOBase):
    """The bytes of a member that is not packed; `zipfile` begins anew for every step back."""

    def __init__(self, path: Path, member: zipfile.ZipInfo) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._file.seek(member.header_offset)
        header = self._file.read(_LOCAL_HEADER_BYTES)
        if len(header) != _LOCAL_HEADER_BYTES or not header.startswith(_LOCAL_HEADER):
            self.close()
            raise ValueError("its weights do not stand where its list of members says")
        more = int.from_bytes(header[-4:-2], "little") + int.from_bytes(header[-2:], "little")
        self._start = member.header_offset + _LOCAL_HEADER_BYTES + more
        self._size, self._place = member.file_size, 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the place in the member."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place in the member."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer as far as the member goes."""
        left = max(0, self._size - self._place)
        self._file.seek(self._start + self._place)
        count = self._file.readinto(memoryview(buffer).cast("B")[:left])
        self._place += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _check_objects(weights: Any, size: int) -> None:
    """Visit every group and array once, by their places in the file: a file may hold circles."""
    waiting, seen, total = [weights], {_place(weights)}, 0
    while waiting:
        group = waiting.pop()
        for name in group:
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise ValueError(f"its weights hold a link {name[:60]!r}")
            item = group[name]
            if _place(item) in seen:
                raise ValueError(f"its weights hold {name[:60]!r} twice")
            seen.add(_place(item))
            if len(seen) > MOST_OBJECTS:
                raise ValueError(f"its weights hold more than {MOST_OBJECTS:,} groups and arrays")
            if isinstance(item, h5py.Group):
                waiting.append(item)
            else:
                total += _checked_bytes(name, item)
    if total > size:
        raise ValueError(f"its weights claim {total:,} bytes in a file of {size:,}")


def _place(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _checked_bytes(name: str, item: Any) -> int:
    """Return the size of an array whose bytes stand in the file, one after the other."""
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in _NUMBERS:
        raise ValueError(f"its weights hold {name[:60]!r}, which is no array of numbers")
    if item.is_virtual or item.external or item.chunks is not None:
        raise ValueError(f"its weights hold {name[:60]!r} packed, or in other files")
    if item.shape is None or item.id.get_storage_size() != item.nbytes:
        raise ValueError(f"its weights hold {name[:60]!r}, which is not as large as its shape {item.shape}")
    return int(item.nbytes)
