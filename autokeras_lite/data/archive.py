"""The members of a zip archive, checked before any of them is read."""

import io
import re
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path

MOST_DIRECTORY_BYTES = 2**20
# What the standard library raises for an archive that is damaged, encrypted (RuntimeError) or packed in an odd way.
ARCHIVE_ERRORS = (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)

_PLAIN = re.compile(r"[^./\\:\x00-\x1f\x7f-\x9f][^/\\:\x00-\x1f\x7f-\x9f]{0,199}")
_ENCRYPTED = 0x1


def list_members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the members of an archive of plain files: none in a folder, none twice, no link, none encrypted.

    The list of members may take 1 MB of the file: a longer one could take any amount of memory.

    Raises:
        ValueError: there is another kind of member; the text says which. Further `ARCHIVE_ERRORS`: it is no archive.
    """
    with _BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    for member in members:
        if fault := _fault(member):
            raise ValueError(f"its member {member.filename[:60]!r} {fault}")
    repeated = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
    if repeated:
        raise ValueError(f"its member {repeated[0]!r} stands twice")
    return members


def _fault(member: zipfile.ZipInfo) -> str:
    if not _PLAIN.fullmatch(member.filename) or ".." in member.filename:
        return "has a path for a name"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "is packed in an unusual way"
    return ""


class _BoundedFile(io.FileIO):
    """A file of which nobody reads much at once, as whoever opens an archive does with its list of members."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does.

        Raises:
            ValueError: more than the limit is asked for.
        """
        place = self.tell()
        left = self.seek(0, io.SEEK_END) - place
        self.seek(place)
        if (left if size is None or size < 0 else min(size, left)) > MOST_DIRECTORY_BYTES:
            raise ValueError(f"the list of its members is longer than {MOST_DIRECTORY_BYTES:,} bytes")
        return super().read(size) or b""
