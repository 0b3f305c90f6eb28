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


def row_losses(row_loss: RowLoss, targets: Tensor, outputs: Tensor) -> Tensor:
    """Return the loss of each row, `(rows,)`.

    Of a model with members, whose outputs are `(rows, members, units)`, it is the mean of the members' own losses and
    not the loss of their mean: each learns for itself (Gorishniy et al. 2025, "TabM", section 3.2).
    """
    if len(outputs.shape) == 2:
        return row_loss(targets, outputs)
    each = row_loss(keras.ops.broadcast_to(targets[:, None, :], keras.ops.shape(outputs)), outputs)
    return keras.ops.mean(each, axis=1)


def predict(outputs: Tensor, kind: TaskKind) -> Tensor:
    """Turn outputs into predictions `(rows, units)`: probabilities, or standardised values; members are averaged."""
    if kind is not TaskKind.REGRESSION:
        is_multiclass = kind is TaskKind.MULTICLASS
        outputs = keras.ops.softmax(outputs, axis=-1) if is_multiclass else keras.ops.sigmoid(outputs)
    return outputs if len(outputs.shape) == 2 else keras.ops.mean(outputs, axis=1)
