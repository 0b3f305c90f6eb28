"""How long a request to the store may take."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TIMEOUT_NAME = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_UPLOAD_SECONDS = 60
_SLOWEST_BYTES_PER_SECOND = 2**18


@contextmanager
def upload_patience(path: Path) -> Iterator[None]:
    """Let a request take as long as a slow line needs for a file, or a folder: MLflow reads that in the environment."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    before = os.environ.get(_TIMEOUT_NAME)
    seconds = _UPLOAD_SECONDS + sum(file.stat().st_size for file in files) // _SLOWEST_BYTES_PER_SECOND
    os.environ[_TIMEOUT_NAME] = str(max(seconds, int(before or 0)))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_TIMEOUT_NAME, None)
        else:
            os.environ[_TIMEOUT_NAME] = before
