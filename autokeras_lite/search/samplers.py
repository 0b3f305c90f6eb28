"""The samplers behind `--sampler`, each an Optuna sampler."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from autokeras_lite.spaces.domain import Suggester, Value

GRID_POINTS = 4


def _tpe(seed: int) -> BaseSampler:
    return optuna.samplers.TPESampler(seed=seed)


def _random(seed: int) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


def _qmc(seed: int) -> BaseSampler:
    return optuna.samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)


def _grid(seed: int) -> BaseSampler:
    # Not GridSampler: that one knows no conditions. This one visits every leaf of the tree once, in random order.
    return optuna.samplers.BruteForceSampler(seed=seed)


SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = MappingProxyType(
    {"tpe": _tpe, "random": _random, "grid": _grid, "qmc": _qmc}
)


def make_sampler(name: str, seed: int) -> BaseSampler:
    """Make the sampler of that name."""
    with warnings.catch_warnings():
        # Some of these are marked experimental in Optuna; the choice is ours to answer for.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return SAMPLERS[name](seed)


class GridSuggester:
    """Asks a trial for points of a grid: of a range it offers `GRID_POINTS` evenly spaced values, both ends among them.

    On a logarithmic range they are evenly spaced in the logarithm.
    """

    def __init__(self, trial: Suggester) -> None:
        self._trial = trial

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Choose a whole number of the grid."""
        steps = {round((value - low) / step) for value in _spaced(low, high, log=log)}
        return int(self._choose(name, [low + step * count for count in sorted(steps) if low + step * count <= high]))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Choose a number of the grid."""
        values = _spaced(low, high, log=log)
        if step is not None:
            values = [low + step * round((value - low) / step) for value in values]
        return self._choose(name, sorted({float(f"{value:.6g}") for value in values if low <= value <= high} or {low}))

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Choose one of `choices`."""
        return self._trial.suggest_categorical(name, choices)

    def _choose(self, name: str, values: Sequence[float]) -> float:
        chosen = self._trial.suggest_categorical(name, list(values))
        assert isinstance(chosen, int | float)
        return chosen


def _spaced(low: float, high: float, *, log: bool) -> list[float]:
    space = np.geomspace if log else np.linspace
    return [float(min(max(value, low), high)) for value in space(low, high, GRID_POINTS)]
