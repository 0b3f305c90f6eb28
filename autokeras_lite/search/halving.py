"""Which trials go on at a rung: successive halving over what has stood on this rung of its schedule."""

import math
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from autokeras_lite.trial import TrainingConfig

FACTOR = 3
_SHARES = (1 / FACTOR**2, 1 / FACTOR)
# Where the second and third of the four cycles end; the first is too short to tell.
_VALLEYS: Mapping[str, tuple[float, ...]] = MappingProxyType({"coslog4": (3 / 15, 7 / 15)})
_FEWEST_EPOCHS = 3


def rung_epochs(training: TrainingConfig) -> tuple[int, ...]:
    """Return after which epochs of a schedule trials are compared: at a ninth and at a third of it.

    In the middle of a cycle, where the rate is high, a score says little of what the trial will come to: cyclic
    schedules are judged where a cycle ends and the rate is 0.

    Example:
        >>> rung_epochs(TrainingConfig(epochs=60)), rung_epochs(TrainingConfig(epochs=60, schedule="coslog4"))
        ((7, 20), (12, 28))
    """
    shares = _VALLEYS.get(training.schedule, _SHARES)
    candidates = [round(training.epochs * share) for share in shares]
    return tuple(epoch for epoch in candidates if _FEWEST_EPOCHS <= epoch < training.epochs)


class Halving:
    """Remembers the scores at each rung and lets the best third of them go on (Jamieson and Talwalkar 2016).

    Optuna's own pruner judges one trial at a time, in the order in which they come; the trials of a cohort come at
    once, so they are judged together here. As long as fewer than `FACTOR` have stood on a rung, all of them go on.
    """

    def __init__(self, direction: Literal["maximize", "minimize"]) -> None:
        self._sign = 1.0 if direction == "maximize" else -1.0
        self._scores: dict[int, list[float]] = defaultdict(list)

    def judge(self, rung: int, scores: Mapping[int, float]) -> frozenset[int]:
        """Take the scores of trials that reached a rung, by number; return those that end here."""
        here = {number: self._sign * value for number, value in scores.items() if math.isfinite(value)}
        self._scores[rung] += here.values()
        ranked = sorted(self._scores[rung], reverse=True)
        places = len(ranked) if len(ranked) < FACTOR else math.ceil(len(ranked) / FACTOR)
        bar = ranked[places - 1] if ranked else math.inf
        return frozenset(number for number in scores if here.get(number, -math.inf) < bar)
