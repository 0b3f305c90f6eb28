"""Which trials go on at a rung: successive halving over everything that has stood on this rung of its schedule."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

FACTOR = 3
_RUNGS = 2
_FEWEST_EPOCHS = 3


def rung_epochs(epochs: int) -> tuple[int, ...]:
    """Return after which epochs of a schedule trials are compared: at a ninth and at a third of it.

    Example:
        >>> rung_epochs(60)
        (7, 20)
    """
    candidates = [round(epochs / FACTOR ** (_RUNGS - rung)) for rung in range(_RUNGS)]
    return tuple(epoch for epoch in candidates if _FEWEST_EPOCHS <= epoch < epochs)


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
