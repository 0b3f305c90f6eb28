"""What was asked of a search, as it stands in `search.json`: enough to go on with it, and to refuse what differs."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from autokeras_lite.artifact.manifest import package_versions
from autokeras_lite.config import SearchConfig
from autokeras_lite.errors import ConfigError
from autokeras_lite.execution.machine import count_cores
from autokeras_lite.spaces.listing import shipped_file, shipped_names
from autokeras_lite.tracking.uri import mask, resolve_uri

# The same folder may be named in several ways, and may have been moved; event files and the report are made of what is
# kept anyway.
_OF_THE_PLACE = ("place.name", "place.runs_dir", "place.tensorboard", "place.report")
_BUDGET = "budget."
_EXECUTION = "execution."
_HIDDEN = "***"


@dataclass(frozen=True)
class SearchRequest:
    """One search as it was asked for.

    `config` is without passwords and with absolute paths. `content` has a hash of each file that it names, so that a
    changed one is noticed. `data` and `test` are the paths of these rows, `None` where they came from memory. `cores`
    are those of the machine on which the search began, by which some sizes are chosen for good.
    """

    uid: str
    config: Mapping[str, Any]
    content: Mapping[str, str]
    fingerprint: str
    versions: Mapping[str, str]
    data: str | None = None
    test: str | None = None
    cores: int = 1

    @classmethod
    def of(cls, config: SearchConfig, fingerprint: str, *, data: Any, test: Any) -> Self:
        """Write down what is asked now."""
        kept = _absolute(config)
        files = [name for name in kept.strategy.spaces if name not in shipped_names()]
        files += [] if kept.validation.path is None else [kept.validation.path]
        content = {name: _hash(shipped_file(name)) for name in kept.strategy.spaces if name in shipped_names()}
        content |= {file: _hash(Path(file)) for file in files}
        values = json.loads(json.dumps(kept.to_json()))
        return cls(
            uuid4().hex, values, content, fingerprint, package_versions(), path_of(data), path_of(test), count_cores()
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return vars(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the request that `to_json` wrote."""
        return cls(**values)

    def has_budget_of(self, other: "SearchRequest") -> bool:
        """Say whether another request asks for the same budget."""
        return bool(self.config["budget"] == other.config["budget"])

    def to_config(self, folder: Path) -> SearchConfig:
        """Return the config again, for the search that lies in `folder` now.

        Raises:
            ConfigError: a password that was not written down is needed.
        """
        config = SearchConfig.from_json(self.config)
        if _HIDDEN in (config.place.tracking_uri or ""):
            raise ConfigError(
                f"The tracking server {config.place.tracking_uri} of this search has a password, which is not kept. "
                "Expected it again. Give the search command once more, with its --tracking-uri."
            )
        return replace(config, place=replace(config.place, name=folder.name, runs_dir=str(folder.parent)))


def path_of(data: Any) -> str | None:
    """Return the absolute path of data that are in a file, `None` for others."""
    return str(Path(data).expanduser().absolute()) if isinstance(data, str | os.PathLike) else None


def check_same(earlier: SearchRequest, now: SearchRequest, *, extend: bool) -> tuple[str, ...]:
    """Check that a search is asked for as it was before; return sentences about what may differ and does.

    Where a search runs (executor, workers, limits) may change, and the budget with `extend`.

    Raises:
        ConfigError: something else differs.
    """
    changed = _differences(_flat(earlier.config), _flat(now.config))
    budget = [text for name, text in changed.items() if name.startswith(_BUDGET)]
    where = [text for name, text in changed.items() if name.startswith(_EXECUTION)]
    other = [text for name, text in changed.items() if not name.startswith((_BUDGET, _EXECUTION))]
    files = sorted({*earlier.content, *now.content})
    other += [f"the content of {file} changed" for file in files if _differs(file, earlier.content, now.content)]
    other += [] if earlier.fingerprint == now.fingerprint else ["the data changed"]
    name = now.config["place"]["name"]
    if other or (budget and not extend):
        way = "" if other else ", or give this one more budget with --extend"
        raise ConfigError(
            f"A search named {name!r} was made with other settings ({'; '.join([*other, *budget])}). "
            f"Expected the same ones. Begin a new search with another --name{way}."
        )
    versions = _differences(earlier.versions, now.versions).values()
    told = [f"Other than before: {', '.join(texts)}." for texts in (budget, where, tuple(versions)) if texts]
    return tuple(told)


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    flat = {f"{part}.{name}": value for part, values in config.items() for name, value in values.items()}
    return {name: value for name, value in flat.items() if name not in _OF_THE_PLACE}


def _differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Say for each option that differs what it was and what it became."""
    names = [name for name in {**now, **earlier} if now.get(name) != earlier.get(name)]
    return {name: f"{name}: {earlier.get(name)} became {now.get(name)}" for name in names}


def _differs(file: str, earlier: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Say whether a file that both name has another content; that another file is named is told elsewhere."""
    return file in earlier and file in now and earlier[file] != now[file]


def _absolute(config: SearchConfig) -> SearchConfig:
    """Return the config without a password and with paths that hold from any folder."""
    spaces = tuple(n if n in shipped_names() else str(Path(n).expanduser().absolute()) for n in config.strategy.spaces)
    path, uri = config.validation.path, config.place.tracking_uri
    return replace(
        config,
        place=replace(
            config.place, tracking_uri=None if uri is None else mask(resolve_uri(uri, config.place.runs_dir))
        ),
        strategy=replace(config.strategy, spaces=spaces),
        validation=replace(config.validation, path=path_of(path)),
    )


def _hash(file: Traversable | Path) -> str:
    """Return a hash of a file; an empty one where it cannot be read, which whoever reads it says in better words."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
