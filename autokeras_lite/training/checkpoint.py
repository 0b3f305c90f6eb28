"""The checkpoints of a cohort on disk: how far it has come, so that a cohort that was interrupted goes on."""

import errno
import hashlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.durable import sync
from autokeras_lite.trial import Cohort

Array = NDArray[Any]
CHECKPOINT_SECONDS = 30.0
# Changes whenever a checkpoint of the code before can no longer be understood.
_FORMAT = 1
# Is left free for the results of the search; and a file takes somewhat more than its arrays.
_FREE_BYTES = 256 * 2**20
_FREE_SHARE = 1.2
_VALUES = "values"


@dataclass(frozen=True)
class Checkpoint:
    """What was written after an epoch: plain JSON values, and arrays with names like `group-0/parameters`."""

    epoch: int
    values: Mapping[str, Any]
    arrays: Mapping[str, Array]

    def part(self, name: str) -> dict[str, Array]:
        """Return the arrays below a name, without it."""
        start = f"{name}/"
        return {key.removeprefix(start): array for key, array in self.arrays.items() if key.startswith(start)}


class Checkpoints:
    """The last two checkpoints of one cohort, each a file that has its checksum in its name.

    A checkpoint is a convenience. One that is torn, changed, of another cohort or of another version is passed over,
    and one that cannot be written, or would take the room that results need, is left out; neither is ever an error.
    """

    def __init__(self, folder: Path | None, cohort: Cohort, every_seconds: float) -> None:
        self._folder, self._identity = folder, _identity(cohort)
        self._every_seconds = self._pause_seconds = every_seconds
        self._written_at = time.monotonic()
        self._newest: Path | None = None

    @property
    def is_due(self) -> bool:
        """Whether the last one was long enough ago; never, where there is no folder."""
        return self._folder is not None and time.monotonic() - self._written_at >= self._pause_seconds

    def read(self) -> Iterator[Checkpoint]:
        """Read those that are whole and of this cohort, the newest first."""
        if self._folder is None:
            return
        for path in sorted(self._folder.glob("epoch-*.npz"), reverse=True):
            checkpoint = _read(path, self._identity)
            if checkpoint is not None:
                self._newest = path
                yield checkpoint

    def write(self, epoch: int, values: Mapping[str, Any], arrays: Iterable[tuple[str, Array]]) -> None:
        """Write one, durable before the one before the last is deleted; `arrays` are taken one at a time."""
        if self._folder is None:
            return
        started = time.monotonic()
        described = {"identity": self._identity, "epoch": epoch, "values": values}
        neighbour = self._folder / "next.tmp"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _require_room(self._folder, self._newest.stat().st_size if self._newest else 0)
            checksum = _write_archive(neighbour, described, arrays)
            path = neighbour.rename(self._folder / f"epoch-{epoch:06d}-{checksum}.npz")
            sync(self._folder)
            self._keep(path)
        except (OSError, MemoryError):
            # The disk is full, say. The cohort trains on, and the checkpoints before stay.
            with suppress(OSError):
                neighbour.unlink(missing_ok=True)
        self._written_at = time.monotonic()
        # What takes seconds to write is written less often, so that it takes a few percent of the time at most.
        self._pause_seconds = self._every_seconds * max(1.0, self._written_at - started)

    def _keep(self, path: Path) -> None:
        for other in path.parent.glob("epoch-*.npz"):
            if other not in (path, self._newest):
                other.unlink()
        self._newest = path


def _identity(cohort: Cohort) -> str:
    described = {
        "format": _FORMAT,
        "specs": [spec.to_json() for spec in cohort.specs],
        "batch_seed": cohort.batch_seed,
        "folds": cohort.folds,
        "rungs": cohort.rungs,
        "stop_after": cohort.stop_after,
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _read(path: Path, identity: str) -> Checkpoint | None:
    try:
        with path.open("rb") as file:
            if _checksum(file) != path.stem.rpartition("-")[2]:
                return None
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        described = json.loads(arrays.pop(_VALUES).tobytes())
        if described["identity"] != identity:
            return None
        return Checkpoint(described["epoch"], described["values"], arrays)
    except (OSError, LookupError, TypeError, ValueError, zipfile.BadZipFile):
        return None


def _write_archive(path: Path, described: Mapping[str, Any], arrays: Iterable[tuple[str, Array]]) -> str:
    """Write what `numpy.load` reads, array by array, and return its checksum."""
    with path.open("w+b") as file:
        with zipfile.ZipFile(file, "w") as archive:
            _write_array(archive, _VALUES, np.frombuffer(json.dumps(described).encode(), dtype=np.uint8))
            for name, array in arrays:
                _require_room(path.parent, array.nbytes)
                _write_array(archive, name, array)
        file.flush()
        os.fsync(file.fileno())
        return _checksum(file)


def _require_room(folder: Path, needed_bytes: int) -> None:
    if shutil.disk_usage(folder).free <= _FREE_SHARE * needed_bytes + _FREE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _write_array(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def _checksum(file: BufferedIOBase) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
