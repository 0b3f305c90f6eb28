"""The first and the last layer of every model: inputs as the encoding delivers them, outputs as the task asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from autokeras_lite.data.arrays import NUMBER_ARRAYS, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.tasks.task import Task, TaskKind


@dataclass(frozen=True)
class OutputSpec:
    """What a model puts out: `units` logits for classification, standardised values for regression."""

    kind: TaskKind
    units: int

    @classmethod
    def of(cls, task: Task) -> "OutputSpec":
        """Return what a model for `task` puts out."""
        return cls(task.kind, task.units)


def input_layers(inputs: InputSpec, number_scaling: str = "robust") -> dict[str, keras.KerasTensor]:
    """Make one `keras.Input` for each array that the model takes, under the array's name.

    Of the arrays that hold the numbers of a table it is the one of `number_scaling` (see `NUMBER_ARRAYS`);
    `numbers_of` finds it.

    Raises:
        SpaceError: the numbers were not encoded that way.
    """
    name = NUMBER_ARRAYS[number_scaling]
    if name not in inputs and any(other in inputs for other in NUMBER_ARRAYS.values()):
        raise SpaceError(
            f"number_scaling is {number_scaling!r}, but the data were encoded without the array {name!r}. Expected "
            "arrays of `fit_encoding(..., quantiles=True)`. Encode the data so, or choose another number_scaling."
        )
    taken = inputs.scaled(number_scaling).arrays
    return {array.name: keras.Input(array.shape, dtype=array.dtype, name=array.name) for array in taken}


def numbers_of(taken: Mapping[str, Any]) -> Any:
    """Return the numbers of a table `(rows, columns)` among the inputs of a model, however scaled; else `None`."""
    return next((taken[name] for name in NUMBER_ARRAYS.values() if name in taken), None)


def embedded_codes(layers: Mapping[str, keras.KerasTensor], inputs: InputSpec, width: int) -> list[keras.KerasTensor]:
    """Embed each column of `codes` in at most `width` numbers, fewer where the column has few levels."""
    if "codes" not in inputs:
        return []
    embedded = []
    for index, cardinality in enumerate(inputs.cardinalities):
        column = layers["codes"][:, index]
        size = min(width, (cardinality + 1) // 2)
        embedded.append(keras.layers.Embedding(cardinality, size, name=f"embed_{index}")(column))
    return embedded


def joined_features(
    layers: Mapping[str, keras.KerasTensor],
    inputs: InputSpec,
    embedding_width: int,
    number_features: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None,
    name: str | None = None,
) -> keras.KerasTensor:
    """Return everything a row holds as one tensor: `(rows, features)` for a table, else the one array as it is.

    Of a table these are the numbers (or what `number_features` makes of them), the flags and the embedded codes; the
    layer that puts them side by side has the `name`.
    """
    if inputs.kind is not InputKind.TABLE:
        return layers[inputs.arrays[0].name]
    numbers = numbers_of(layers)
    parts = [] if numbers is None else [numbers if number_features is None else number_features(numbers)]
    parts += [layers["flags"]] if "flags" in inputs else []
    parts += embedded_codes(layers, inputs, embedding_width)
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=name)(parts)


def output_layer(features: keras.KerasTensor, outputs: OutputSpec) -> keras.KerasTensor:
    """Put out `(rows, units)` numbers without an activation: the loss and the artifact add theirs."""
    return keras.layers.Dense(outputs.units, name="outputs")(features)
