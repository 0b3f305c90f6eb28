"""Shapes over a trial: the factor on the learning rate, and on dropout and decay, by the progress from 0 to 1."""

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


def _coslog4(progress: Progress) -> Progress:
    return 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * progress)))


def _flat_cosine(progress: Progress) -> Progress:
    return np.where(progress < 0.5, 1.0, _cosine(2 * progress - 1))


# "plateau" has no shape of its own: the loop halves the rate when the score stands still (see monitor.py).
SCHEDULES: Mapping[str, Callable[[Progress], Progress]] = MappingProxyType(
    {"constant": _constant, "cosine": _cosine, "one_cycle": _one_cycle, "plateau": _constant, "coslog4": _coslog4}
)
FADINGS: Mapping[str, Callable[[Progress], Progress]] = MappingProxyType(
    {"none": _constant, "flat_cosine": _flat_cosine}
)


def rate_factors(config: TrainingConfig, epoch: int, steps: int) -> Progress:
    """Return the factor on the learning rate at each step of an epoch (counted from 0), shape `(steps,)`.

    `cosine` is Loshchilov and Hutter 2017 (SGDR, eq. 5, one period); `one_cycle` rises for 30 % of the time from 1/25
    and falls to 0 (Smith 2018); `coslog4` has four cycles that double in length, from 0 to 1 to 0 each (Holzmueller,
    Grinsztajn and Steinwart 2024, "Better by default", section 3). `warmup` is the share of all steps over which the
    rate first grows linearly.

    Example:
        >>> rate_factors(TrainingConfig(schedule="cosine", epochs=2), epoch=1, steps=2).round(3).tolist()
        [0.5, 0.146]
    """
    total = config.epochs * steps
    step = epoch * steps + np.arange(steps, dtype=np.float64)
    warmup = config.warmup * total
    factors = SCHEDULES[config.schedule](np.clip((step - warmup) / max(total - warmup, 1.0), 0.0, 1.0))
    return np.where(step < warmup, np.minimum((step + 1) / max(warmup, 1.0), 1.0), factors)


def fade_factors(config: TrainingConfig, epoch: int, steps: int) -> Progress:
    """Return the factor on dropout and weight decay at each step of an epoch (counted from 0), shape `(steps,)`.

    `flat_cosine` is 1 for half of the training and falls to 0 as a cosine (Holzmueller, Grinsztajn and Steinwart 2024,
    "Better by default", section 3).

    Example:
        >>> fade_factors(TrainingConfig(fading="flat_cosine", epochs=4), epoch=3, steps=2).round(3).tolist()
        [0.5, 0.146]
    """
    step = epoch * steps + np.arange(steps, dtype=np.float64)
    return FADINGS[config.fading](step / max(config.epochs * steps, 1))
