"""The optimizers that a space may name, each a stock Keras optimizer that works elementwise."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras

from autokeras_lite.trial import TrainingConfig

Rate = Any  # a number, or a keras.optimizers.schedules.LearningRateSchedule
Decay = Any  # of the second moments: a number, or an array `(lanes, 1)`
Maker = Callable[[Rate, TrainingConfig, Decay], keras.optimizers.Optimizer]


def _sgd(rate: Rate, config: TrainingConfig, beta_2: Decay) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(rate, momentum=config.momentum, nesterov=config.nesterov and config.momentum > 0)


def _plain(optimizer: type[keras.optimizers.Optimizer]) -> Maker:
    def make(rate: Rate, config: TrainingConfig, beta_2: Decay) -> keras.optimizers.Optimizer:
        return optimizer(learning_rate=rate)

    return make


def _adam_like(optimizer: type[keras.optimizers.Optimizer]) -> Maker:
    def make(rate: Rate, config: TrainingConfig, beta_2: Decay) -> keras.optimizers.Optimizer:
        return optimizer(learning_rate=rate, beta_2=beta_2)

    return make


# Weight decay is not handed over: the engine applies it itself, decoupled as Keras does, with one factor for each lane.
OPTIMIZERS: Mapping[str, Maker] = MappingProxyType(
    {
        "sgd": _sgd,
        "adam": _adam_like(keras.optimizers.Adam),
        "adamw": _adam_like(keras.optimizers.Adam),
        "rmsprop": _plain(keras.optimizers.RMSprop),
        "adagrad": _plain(keras.optimizers.Adagrad),
        "adadelta": _plain(keras.optimizers.Adadelta),
        "adamax": _adam_like(keras.optimizers.Adamax),
        "nadam": _adam_like(keras.optimizers.Nadam),
        "lion": _plain(keras.optimizers.Lion),
    }
)


def make_optimizer(config: TrainingConfig, rate: Rate, beta_2: Decay) -> keras.optimizers.Optimizer:
    """Make the optimizer of `config` with the learning rate `rate`; `adamw` is Adam, since decay is applied apart.

    `beta_2` is read by those that average squared gradients with it, and may differ between lanes.
    """
    return OPTIMIZERS[config.optimizer](rate, config, beta_2)
