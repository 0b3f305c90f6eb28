"""The file that a command writes where a person named one with --output."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from autokeras_lite.durable import whole_file
from autokeras_lite.errors import ConfigError


def check_output(file: Path, *, is_replaced: bool) -> None:
    """Refuse a file that cannot or should not be written; ask before anything is read.

    Raises:
        ConfigError: its folder is missing, or there is a file that is not to be replaced.
    """
    if not file.parent.is_dir():
        raise ConfigError(
            f"The folder {str(file.parent)!r} does not exist. Expected one. Make it, or correct --output."
        )
    if file.is_dir() or (file.exists() and not is_replaced):
        raise ConfigError(f"Output {str(file)!r} exists. Expected a new file. Choose another, or give --overwrite.")


@contextmanager
def write_output(file: Path) -> Iterator[Path]:
    """Write a `whole_file` in a folder of the person: its neighbour has a name that no file there has.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with whole_file(file, file.with_name(f".{file.stem}.{uuid4().hex}{file.suffix}")) as neighbour:
            yield neighbour
    except OSError as error:
        raise ConfigError(
            f"Output {str(file)!r} cannot be written: {error.strerror}. Expected a writable place. Correct --output."
        ) from error
