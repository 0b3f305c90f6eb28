"""Shapes of the learning rate over a trial: the factor on its rate as a function of the progress from 0 to 1."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.trial import TrainingConfig

Progress = NDArray[np.float64]
_ONE_CYCLE_PEAK = 0.3
_ONE_CYCLE_START = 1 / 25


def _constant(progress: Progress) -> Progress:
    return np.ones_like(progress)


def _cosine(progress: Progress) -> Progress:
    return 0.5 * (1 + np.cos(np.pi * progress))


def _one_cycle(progress: Progress) -> Progress:
    rise = _ONE_CYCLE_START + (1 - _ONE_CYCLE_START) * _cosine(1 - progress / _ONE_CYCLE_PEAK)
    fall = _cosine((progress - _ONE_CYCLE_PEAK) / (1 - _ONE_CYCLE_PEAK))
    return np.where(progress < _ONE_CYCLE_PEAK, rise, fall)


# "plateau" has no shape of its own: the loop halves the rate when the score stands still (see monitor.py).
SCHEDULES: Mapping[str, Callable[[Progress], Progress]] = MappingProxyType(
    {"constant": _constant, "cosine": _cosine, "one_cycle": _one_cycle, "plateau": _constant}
)


def rate_factors(config: TrainingConfig, epoch: int, steps: int) -> Progress:
    """Return the factor on the learning rate at each step of an epoch (counted from 0), shape `(steps,)`.

    `cosine` is Loshchilov and Hutter 2017 (SGDR, eq. 5, one period); `one_cycle` rises for 30 % of the time from 1/25
    and falls to 0 (Smith 2018). `warmup` is the share of all steps over which the rate first grows linearly.

    Example:
        >>> rate_factors(TrainingConfig(schedule="cosine", epochs=2), epoch=1, steps=2).round(3).tolist()
        [0.5, 0.146]
    """
    total = config.epochs * steps
    step = epoch * steps + np.arange(steps, dtype=np.float64)
    warmup = config.warmup * total
    factors = SCHEDULES[config.schedule](np.clip((step - warmup) / max(total - warmup, 1.0), 0.0, 1.0))
    return np.where(step < warmup, np.minimum((step + 1) / max(warmup, 1.0), 1.0), factors)
