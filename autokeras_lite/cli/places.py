"""Where a search lies that a person names."""

import difflib
import os
from pathlib import Path

from autokeras_lite.errors import ArtifactError

_MOST_NAMES = 8
_MOST_SHOWN = 100
_NO_NAMES = ("", ".", "..")
_REQUEST_FILE = "search.json"


def is_path(name: str) -> bool:
    """Say whether a person means a path: a name has no separators.

    Example:
        >>> is_path("runs/adult"), is_path("adult")
        (True, False)
    """
    return "/" in name or os.sep in name


def is_search(folder: Path) -> bool:
    """Say whether a search lies in a folder, finished or not."""
    return (folder / _REQUEST_FILE).is_file()


def known_searches(runs_dir: str) -> list[str]:
    """Return the names of the searches below `runs_dir`, sorted."""
    return sorted(file.parent.name for file in Path(runs_dir).expanduser().glob(f"*/{_REQUEST_FILE}"))


def find_search(name: str, runs_dir: str) -> Path:
    """Return the folder of the search called `name` below `runs_dir`, or at the path `name`.

    Raises:
        ArtifactError: there is neither.
    """
    below = Path(runs_dir).expanduser() / name
    for folder in (below, Path(name).expanduser()):
        if name not in _NO_NAMES and _is_folder(folder):
            return folder
    name = name[:_MOST_SHOWN]
    known = known_searches(runs_dir)
    if not known:
        raise ArtifactError(
            f"There is no search {name!r}: {runs_dir} holds none. Expected the name or the folder of a "
            "search. Run autokeras-lite search first, or give its --runs-dir."
        )
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Name one of them, or give another --runs-dir."
    shown = ", ".join(known[:_MOST_NAMES]) + (
        f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    )
    raise ArtifactError(f"There is no search {name!r} in {runs_dir}. Expected one of {shown}. {hint}")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is longer than a file system takes
        return False
