"""The weights of a model as arrays: what a trial leaves behind, and how it comes back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from autokeras_lite.durable import disk_faults, whole_file
from autokeras_lite.errors import ArtifactError

Arrays = Sequence[NDArray[Any]]


def state_variables(model: keras.Model) -> list[keras.Variable]:
    """Return what a model learned without a gradient: moving statistics, but neither seeds nor counters."""
    return [v for v in model.non_trainable_variables if keras.backend.is_float_dtype(v.dtype)]


def write_weights(path: Path, trainable: Arrays, state: Arrays) -> None:
    """Write the arrays of one model as one `.npz` file, synced to the disk.

    Raises:
        StorageError: the disk is full.
    """
    named = {f"trainable-{i}": a for i, a in enumerate(trainable)} | {f"state-{i}": a for i, a in enumerate(state)}
    write_arrays(path, named)


def write_arrays(path: Path, named: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays under their names as one `.npz` file, as a `whole_file`.

    Raises:
        StorageError: the disk is full.
    """
    with disk_faults(path), whole_file(path) as neighbour, neighbour.open("wb") as file:
        np.savez(file, **named)  # type: ignore[arg-type]


def read_weights(path: Path, model: keras.Model) -> None:
    """Give a model the weights that `write_weights` left.

    Raises:
        ArtifactError: the file holds weights of another model.
    """
    trainable, state = model.trainable_variables, state_variables(model)
    with np.load(path, allow_pickle=False) as arrays:
        if len(arrays.files) != len(trainable) + len(state):
            raise ArtifactError(
                f"{path} holds {len(arrays.files)} arrays. Expected {len(trainable) + len(state)}. "
                "The trial was made by another version; search again."
            )
        for prefix, variables in (("trainable", trainable), ("state", state)):
            for index, variable in enumerate(variables):
                variable.assign(arrays[f"{prefix}-{index}"])
