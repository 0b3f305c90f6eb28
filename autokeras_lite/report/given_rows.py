"""Rows of the data as they came, so that a person can look at those that the model got wrong."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.config import SearchConfig
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.gate import drop_unlabelled
from autokeras_lite.data.read import read_dataset
from autokeras_lite.data.split import append_rows
from autokeras_lite.errors import AutokerasLiteError
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.prepare import read_more_rows
from autokeras_lite.search.request import SearchRequest

MOST_FILE_BYTES = 16 << 20  # a larger file is not read again for a page

_UNREADABLE = (AutokerasLiteError, OSError, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class GivenRows:
    """The inputs of the first rows of a search, or of all: a frame for a table, else an array; row i is at place i."""

    kind: InputKind
    values: pd.DataFrame | NDArray[Any]

    def __contains__(self, row: int) -> bool:
        return 0 <= row < len(self.values)

    @property
    def array(self) -> NDArray[Any] | None:
        """The inputs of anything but a table."""
        return None if isinstance(self.values, pd.DataFrame) else self.values

    @property
    def frame(self) -> pd.DataFrame | None:
        """The inputs of a table."""
        return self.values if isinstance(self.values, pd.DataFrame) else None


def read_given_rows(blueprint: Blueprint, request: SearchRequest | None) -> GivenRows:
    """Return the rows of a search: those of its files as long as these are small and the same, else what it kept."""
    kept = GivenRows(blueprint.manifest.encoding.kind, blueprint.sample)
    if request is None or int(blueprint.truth["row"].max()) in kept:
        return kept
    with suppress(*_UNREADABLE):
        dataset = _read_again(request, blueprint)
        if dataset is not None:
            return GivenRows(dataset.kind, dataset.inputs)
    return kept


def _read_again(request: SearchRequest, blueprint: Blueprint) -> Dataset | None:
    config = SearchConfig.from_json(request.config)
    files = [file for file in (request.data, config.validation.path) if file is not None]
    if request.data is None or sum(Path(file).stat().st_size for file in files) > MOST_FILE_BYTES:
        return None
    dataset, _ = drop_unlabelled(read_dataset(request.data, config.columns, name=blueprint.manifest.name))
    if fingerprint(dataset) != request.fingerprint:
        return None
    if config.validation.path is not None:
        dataset = append_rows(dataset, read_more_rows(dataset, config.validation.path, config))
    return dataset if _is_as_judged(dataset, blueprint.truth) else None


def _is_as_judged(dataset: Dataset, truth: pd.DataFrame) -> bool:
    """Say whether these rows have the targets that the search saw; a validation file may have changed."""
    if int(truth["row"].max()) >= len(dataset):
        return False
    seen = truth[[name for name in truth if str(name).startswith("actual.")]]
    return bool((dataset.targets.iloc[truth["row"]].to_numpy() == seen.to_numpy()).all())
