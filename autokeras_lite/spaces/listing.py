"""Which spaces ship with the program. Kept apart from `load`, so that listing them imports nothing heavy."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_SHIPPED = "autokeras_lite.search_spaces"
_SUFFIX = ".toml"


@dataclass(frozen=True)
class SpaceSummary:
    """What a list of spaces says of one of them; `accepts` are values of `InputKind`."""

    name: str
    family: str
    summary: str
    accepts: tuple[str, ...]


def list_spaces() -> tuple[SpaceSummary, ...]:
    """Return a summary of every shipped space, by name."""
    return tuple(_summary(name) for name in shipped_names())


def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped spaces, sorted."""
    names = (entry.name for entry in files(_SHIPPED).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def shipped_file(name: str) -> Traversable:
    """Return the file of a shipped space."""
    return files(_SHIPPED) / f"{name}{_SUFFIX}"


def _summary(name: str) -> SpaceSummary:
    values = tomllib.loads(shipped_file(name).read_text(encoding="utf-8"))
    return SpaceSummary(name, values["family"], values["summary"], tuple(values["accepts"]))
