"""What is minimised: a loss for each row, in operations that run in lanes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras

from autokeras_lite.tasks.losses import choose_loss_name
from autokeras_lite.tasks.task import TaskKind

Tensor = Any
RowLoss = Callable[[Tensor, Tensor], Tensor]


def _categorical(targets: Tensor, outputs: Tensor) -> Tensor:
    return keras.losses.categorical_crossentropy(targets, outputs, from_logits=True)


def _binary(targets: Tensor, outputs: Tensor) -> Tensor:
    return keras.losses.binary_crossentropy(targets, outputs, from_logits=True)


def _divergence(targets: Tensor, outputs: Tensor) -> Tensor:
    return keras.losses.kl_divergence(targets, keras.ops.softmax(outputs, axis=-1))


def _huber(targets: Tensor, outputs: Tensor) -> Tensor:
    return keras.losses.huber(targets, outputs)


def _squared(targets: Tensor, outputs: Tensor) -> Tensor:
    return keras.losses.mean_squared_error(targets, outputs)


LOSSES: Mapping[str, RowLoss] = MappingProxyType(
    {
        "binary_crossentropy": _binary,
        "categorical_crossentropy": _categorical,
        "kl_divergence": _divergence,
        "mean_squared_error": _squared,
        "huber": _huber,
    }
)


def choose_loss(name: str, kind: TaskKind) -> RowLoss:
    """Return the loss of that name; `auto` is the usual one of the task.

    Raises:
        SpaceError: the loss does not fit the task.
    """
    return LOSSES[choose_loss_name(name, kind)]


def smooth(targets: Tensor, smoothing: Tensor, kind: TaskKind) -> Tensor:
    """Move targets towards the uniform distribution, as Keras's `label_smoothing` does; values stay as they are."""
    if kind is TaskKind.REGRESSION:
        return targets
    share = 1.0 / targets.shape[-1] if kind is TaskKind.MULTICLASS else 0.5
    return targets * (1.0 - smoothing) + smoothing * share


def activate(outputs: Tensor, kind: TaskKind) -> Tensor:
    """Turn a model's outputs into probabilities; standardised values stay as they are."""
    if kind is TaskKind.REGRESSION:
        return outputs
    return keras.ops.softmax(outputs, axis=-1) if kind is TaskKind.MULTICLASS else keras.ops.sigmoid(outputs)
