"""The samplers behind `--sampler`, each an Optuna sampler."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from autokeras_lite.spaces.domain import Suggester, Value

GRID_POINTS = 4


def _tpe(seed: int) -> BaseSampler:
    return optuna.samplers.TPESampler(seed=seed)


def _random(seed: int) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


def _qmc(seed: int) -> BaseSampler:
    return optuna.samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)


class _EveryLeaf(optuna.samplers.BruteForceSampler):
    """Visits every leaf of the tree of choices once, in random order (`GridSampler` knows no conditions)."""

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Do nothing: at the last leaf Optuna would stop a loop of its own, and there is none here."""


def _grid(seed: int) -> BaseSampler:
    return _EveryLeaf(seed=seed)


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
    """Asks a trial for points of a grid.

    Of a range it offers `GRID_POINTS` evenly spaced values, both ends among them, and the values that the ready
    configurations `starts` have there, so that these lie on the grid. On a logarithmic range the values are evenly
    spaced in the logarithm.
    """

    def __init__(self, trial: Suggester, starts: Sequence[Mapping[str, Value]] = ()) -> None:
        self._trial = trial
        self._starts = starts

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Choose a whole number of the grid."""
        steps = {round((value - low) / step) for value in _spaced(low, high, log=log)}
        return int(self._choose(name, [low + step * count for count in steps if low + step * count <= high]))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Choose a number of the grid."""
        values = _spaced(low, high, log=log)
        if step is None:
            return self._choose(name, [min(max(float(f"{value:.6g}"), low), high) for value in values])
        return self._choose(name, [float(f"{low + step * round((value - low) / step):.12g}") for value in values])

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Choose one of `choices`."""
        return self._trial.suggest_categorical(name, choices)

    def _choose(self, name: str, values: Sequence[float]) -> float:
        ready = [value for start in self._starts if isinstance(value := start.get(name), int | float)]
        chosen = self._trial.suggest_categorical(name, sorted({*values, *ready}))
        assert isinstance(chosen, int | float)
        return chosen


def _spaced(low: float, high: float, *, log: bool) -> list[float]:
    space = np.geomspace if log else np.linspace
    return [float(min(max(value, low), high)) for value in space(low, high, GRID_POINTS)]
