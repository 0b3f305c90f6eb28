"""Reads every hostile file with 200 MB to spare, and prints as JSON what became of each; run in its own process."""

import json
import os
import resource
import sys
import tempfile
import warnings
from pathlib import Path

import psutil
from hostile_files import HOSTILE, Writer

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.read import read_dataset
from autokeras_lite.errors import DataError

SPARE_BYTES = 200 * 2**20


def written(write: Writer, folder: Path) -> Path:
    """Write a file in a child, whose memory is then gone."""
    child = os.fork()
    if child == 0:
        write(folder)
        os._exit(0)
    os.waitpid(child, 0)
    return next(folder.iterdir())


def outcome(path: Path) -> tuple[str, str]:
    """Read one file with little memory, and return the kind of the error and its text."""
    resource.setrlimit(resource.RLIMIT_DATA, (psutil.Process().memory_info().data + SPARE_BYTES, -1))
    try:
        read_dataset(path, ColumnRoles(("y",)), name="data")
    except DataError as error:
        return type(error).__name__, str(error)
    except BaseException as error:  # noqa: BLE001 - the test judges what it was
        return type(error).__name__, repr(error)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))
    return "", "was read"


def main() -> None:
    """Try the cases that are named, or all."""
    warnings.simplefilter("error")
    found = {}
    for name in sys.argv[1:] or HOSTILE:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = outcome(written(HOSTILE[name][0], Path(folder)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
