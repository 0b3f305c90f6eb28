"""Models of one structure as lanes: what differs between them as arrays with one row for each lane."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np
from numpy.typing import NDArray

from autokeras_lite.models.weights import state_variables
from autokeras_lite.trial import TrainingConfig

Floats = NDArray[np.float32]


class LaneDropout(keras.layers.Layer):
    """Dropout whose rate is a weight, so that it may differ between lanes; the noise is the same for all lanes.

    With the same seed it drops what `keras.layers.Dropout` drops.
    """

    def __init__(self, seed: int, *, name: str) -> None:
        super().__init__(name=name)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weight that holds the rate."""
        self.rate = self.add_weight(shape=(), initializer="zeros", trainable=False, name="rate")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop inputs at the lane's rate and scale the others up, while training."""
        if not training:
            return inputs
        noise = keras.random.uniform(keras.ops.shape(inputs), seed=self.seed_generator)
        return keras.ops.where(noise >= self.rate, inputs * (1.0 / (1.0 - self.rate)), 0.0)


@dataclass(frozen=True)
class Template:
    """A model through which every lane runs, and where its parts are to be found.

    `roles` says for each of its non-trainable variables what it is: `("state", i)` the i-th state array of the lane,
    `("rate", i)` the rate of the i-th dropout, `("seed", i)` a seed that all lanes share.
    """

    model: keras.Model
    roles: tuple[tuple[str, int], ...]
    num_dropouts: int

    @property
    def seeds(self) -> list[keras.Variable]:
        """The seeds, in order."""
        return [
            v for v, (role, _) in zip(self.model.non_trainable_variables, self.roles, strict=True) if role == "seed"
        ]


@dataclass(frozen=True)
class Lanes:
    """What differs between lanes: `parameters` `(lanes, parameters)`, everything else lane first too.

    `l1` and `l2` have one factor for each trainable variable, `dropout` one rate for each dropout layer, `state` one
    array for each state variable. `fold` is the fold whose rows the lane sees.
    """

    parameters: Floats
    state: tuple[Floats, ...]
    dropout: Floats
    l1: Floats
    l2: Floats
    weight_decay: Floats
    smoothing: Floats
    clip_norm: Floats
    beta_2: Floats
    fold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.parameters)

    def take(self, lanes: Sequence[int]) -> Self:
        """Return only these lanes, in that order."""
        rows = np.asarray(lanes, dtype=np.int64)
        arrays = {name: value[rows] for name, value in vars(self).items() if name != "state"}
        return type(self)(state=tuple(array[rows] for array in self.state), **arrays)


def make_template(model: keras.Model, *, seed: int, dropout_used: Sequence[bool]) -> Template:
    """Clone a model with every dropout whose rate is used by a lane replaced by one that has a rate per lane.

    The noise of dropout i is drawn from `seed + i`.
    """
    dropouts = {layer.name: i for i, layer in enumerate(dropout_layers(model))}

    def clone(layer: keras.Layer) -> keras.Layer:
        if layer.name in dropouts and dropout_used[dropouts[layer.name]]:
            return LaneDropout(seed + dropouts[layer.name], name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    rates = {id(layer.rate): dropouts[layer.name] for layer in copy.layers if isinstance(layer, LaneDropout)}
    return Template(copy, _roles(copy, rates), len(dropouts))


def _roles(model: keras.Model, rates: dict[int, int]) -> tuple[tuple[str, int], ...]:
    roles: list[tuple[str, int]] = []
    num_states = num_seeds = 0
    for variable in model.non_trainable_variables:
        if id(variable) in rates:
            roles.append(("rate", rates[id(variable)]))
        elif keras.backend.is_float_dtype(variable.dtype):
            roles.append(("state", num_states))
            num_states += 1
        else:
            roles.append(("seed", num_seeds))
            num_seeds += 1
    return tuple(roles)


def dropout_layers(model: keras.Model) -> list[keras.layers.Dropout]:
    """Return the dropout layers of a model, in order."""
    return [layer for layer in model.layers if type(layer) is keras.layers.Dropout]


def read_lanes(models: Sequence[keras.Model], training: Sequence[TrainingConfig], folds: Sequence[int]) -> Lanes:
    """Read from freshly built models of one structure what differs between them; one fold for each.

    Raises:
        ValueError: the models have different shapes.
    """
    shapes = {tuple(tuple(v.shape) for v in model.trainable_variables) for model in models}
    if len(shapes) > 1:
        raise ValueError("Models of different shapes were given as lanes. Expected models of one structure.")
    return Lanes(
        parameters=np.stack([_flat(model.trainable_variables) for model in models]),
        state=tuple(np.stack(arrays) for arrays in zip(*(_arrays(state_variables(m)) for m in models), strict=True)),
        dropout=_floats([[layer.rate for layer in dropout_layers(model)] for model in models]),
        l1=_floats([[_factor(v, "l1") for v in model.trainable_variables] for model in models]),
        l2=_floats([[_factor(v, "l2") for v in model.trainable_variables] for model in models]),
        weight_decay=_floats([config.weight_decay for config in training]),
        smoothing=_floats([config.label_smoothing for config in training]),
        clip_norm=_floats([config.clip_norm for config in training]),
        beta_2=_floats([config.beta_2 for config in training]),
        fold=np.asarray(folds, dtype=np.int64),
    )


def _flat(variables: Sequence[keras.Variable]) -> Floats:
    return np.concatenate([array.ravel() for array in _arrays(variables)]).astype(np.float32)


def _arrays(variables: Sequence[keras.Variable]) -> list[Floats]:
    return [np.asarray(variable.numpy()) for variable in variables]


def _floats(values: Sequence[Any]) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _factor(variable: keras.Variable, name: str) -> float:
    regularizer = variable.regularizer
    if regularizer is None:
        return 0.0
    return float(np.asarray(regularizer.get_config().get(name, 0.0)))


def unflatten(parameters: Floats, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
    """Cut the flat parameters of one lane, shape `(parameters,)`, into arrays of these shapes."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(parameters, ends[:-1]), shapes, strict=True)]
