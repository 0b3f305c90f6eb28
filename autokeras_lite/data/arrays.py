"""Encoded rows as arrays on disk: written once by the driver, memory-mapped by every trial."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.dataset import InputKind

# The array of a table that holds its numbers, for each way to scale them. A model takes one of them.
NUMBER_ARRAYS: Mapping[str, str] = MappingProxyType({"robust": "numbers", "quantile": "quantiles"})


@dataclass(frozen=True)
class ArraySpec:
    """One input array of a model: its name, the shape of one row, and its type."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class InputSpec:
    """What a family builds its inputs from.

    A table has up to four arrays: `numbers` (scaled numeric columns), `quantiles` (the same columns, scaled by their
    quantiles; only where a model may take it), `flags` (one-hot levels and missing indicators, 0 or 1) and `codes`
    (int32, one column for each column with many levels; column i holds 0 .. cardinalities[i] - 1).
    `flag_groups` says how many flags, one after the other, belong together: 1 for a missing indicator, else the levels
    of one column; empty where that is not known.

    An image is `pixels`, a sequence `values`, tokens are `tokens` (int32, 0 .. cardinalities[0] - 1).
    """

    kind: InputKind
    arrays: tuple[ArraySpec, ...]
    cardinalities: tuple[int, ...] = ()
    flag_groups: tuple[int, ...] = ()

    def __getitem__(self, name: str) -> ArraySpec:
        return next(array for array in self.arrays if array.name == name)

    def __contains__(self, name: str) -> bool:
        return any(array.name == name for array in self.arrays)

    def scaled(self, number_scaling: str = "robust") -> Self:
        """Return the same without the arrays that scale the numbers another way than this key of `NUMBER_ARRAYS`."""
        others = set(NUMBER_ARRAYS.values()) - {NUMBER_ARRAYS[number_scaling]}
        return replace(self, arrays=tuple(array for array in self.arrays if array.name not in others))

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the spec that `to_json` wrote."""
        arrays = tuple(ArraySpec(a["name"], tuple(a["shape"]), a["dtype"]) for a in values["arrays"])
        groups = tuple(values.get("flag_groups", ()))  # searches of earlier versions did not write them
        return cls(InputKind(values["kind"]), arrays, tuple(values["cardinalities"]), groups)


@dataclass(frozen=True)
class EncodedFold:
    """All rows as one fold sees them: encoded by what its training rows taught.

    `targets` `(rows, units)` is what the loss compares: 0/1 for binary and multilabel, one-hot for multiclass,
    standardised values for regression (`value = target * target_scale + target_center`, each of shape `(units,)`). For
    classes the scale is 1 and the center what is added to their log odds: see `tasks/values.py`.
    """

    inputs: Mapping[str, NDArray[Any]]
    targets: NDArray[np.float32]
    train_rows: NDArray[np.int64]
    validation_rows: NDArray[np.int64]
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]


@dataclass(frozen=True)
class EncodedData:
    """Everything that training reads.

    `labels` is what the metric compares: class codes `(rows,)` for binary and multiclass, `(rows, units)` of 0/1 for
    multilabel and of raw values for regression. `weights` `(rows,)` weigh the training loss.
    """

    inputs: InputSpec
    folds: tuple[EncodedFold, ...]
    labels: NDArray[Any]
    weights: NDArray[np.float32] | None = None

    def write(self, folder: Path) -> None:
        """Write every array as one `.npy` file below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "labels.npy", self.labels)
        if self.weights is not None:
            np.save(folder / "weights.npy", self.weights)
        for index, fold in enumerate(self.folds):
            place = folder / f"fold-{index}"
            place.mkdir(exist_ok=True)
            for name, array in _arrays(fold).items():
                np.save(place / f"{name}.npy", array)
        (folder / "inputs.json").write_text(json.dumps({"inputs": self.inputs.to_json(), "folds": len(self.folds)}))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `write` left, without reading it into memory."""
        header = json.loads((folder / "inputs.json").read_text())
        inputs = InputSpec.from_json(header["inputs"])
        folds = tuple(_open_fold(folder / f"fold-{index}", inputs) for index in range(header["folds"]))
        weights = _map(folder / "weights.npy") if (folder / "weights.npy").exists() else None
        return cls(inputs, folds, _map(folder / "labels.npy"), weights)


_FOLD_FIELDS = ("targets", "train_rows", "validation_rows", "target_center", "target_scale")


def _arrays(fold: EncodedFold) -> dict[str, NDArray[Any]]:
    named = {f"input-{name}": array for name, array in fold.inputs.items()}
    return named | {name: getattr(fold, name) for name in _FOLD_FIELDS}


def _open_fold(folder: Path, inputs: InputSpec) -> EncodedFold:
    arrays = {array.name: _map(folder / f"input-{array.name}.npy") for array in inputs.arrays}
    return EncodedFold(arrays, *(_map(folder / f"{name}.npy") for name in _FOLD_FIELDS))


def _map(path: Path) -> NDArray[Any]:
    return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
