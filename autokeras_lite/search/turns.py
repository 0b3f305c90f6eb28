"""Which space the next configuration comes from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Literal

_BEHIND_WHEN_FAILED = 2.0  # spreads, for a space of which nothing came to a score
_LEAST_SECONDS = 1e-3


@dataclass
class _Space:
    """What is known of one space: errors of its trials, less being better, and what each of them took."""

    begun: int = 0
    errors: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Turns:
    """Gives the next turn to the space that promises the largest gain, for each second where those count.

    Every space has one turn first. From then on a space promises what a draw like its earlier ones would bring: the
    next of n + 1 draws is the best of them with probability 1 / (n + 1) (Renyi 1962, on records), and it gets ahead of
    the best of all spaces by about `exp(-behind / spread)` of the spread, where `behind` is how far the space is from
    the best and `spread` how far trials are from the best of their space. So a space that is behind is tried less and
    less, one that has just been improved is tried more, and of two that are alike the cheaper one leads.
    """

    def __init__(self, names: Sequence[str], direction: Literal["maximize", "minimize"]) -> None:
        self._spaces = {name: _Space() for name in names}
        self._sign = -1.0 if direction == "maximize" else 1.0

    def begin(self, name: str) -> None:
        """Take note of a trial that begins."""
        self._spaces[name].begun += 1

    def learn(self, name: str, score: float | None, seconds: float) -> None:
        """Take note of how a trial ended, and of its share of the time."""
        space = self._spaces[name]
        space.seconds.append(seconds)
        if score is not None:
            space.errors.append(self._sign * score)

    def ranked(self, *, counts_seconds: bool) -> list[str]:
        """Return the spaces, the most promising first; those that had no turn lead, in the order in which they came.

        Example:
            >>> turns = Turns(["large", "small"], "maximize")
            >>> for name, score, seconds in (("large", 0.91, 40.0), ("small", 0.90, 5.0)):
            ...     turns.begin(name)
            ...     turns.learn(name, score, seconds)
            >>> turns.ranked(counts_seconds=True)
            ['small', 'large']
        """
        promises = self.promises(counts_seconds=counts_seconds)
        return sorted(promises, key=promises.__getitem__, reverse=True)

    def promises(self, *, counts_seconds: bool) -> dict[str, float]:
        """Return what each space promises, in no particular unit: infinity before its first turn."""
        return {name: self._promise(name, counts_seconds=counts_seconds) for name in self._spaces}

    def _promise(self, name: str, *, counts_seconds: bool) -> float:
        space = self._spaces[name]
        if space.begun == 0:
            return math.inf
        if not space.seconds:  # its first trials are under way
            return -float(space.begun)
        behind = (min(space.errors) - self._best()) / self._spread() if space.errors else _BEHIND_WHEN_FAILED
        promise = math.exp(-behind) / (space.begun + 1)
        return promise / max(fmean(space.seconds), _LEAST_SECONDS) if counts_seconds else promise

    def _best(self) -> float:
        return min(error for space in self._spaces.values() for error in space.errors)

    def _spread(self) -> float:
        """Return how far trials are from the best of their space, else how far spaces are from the best of all."""
        scored = [space.errors for space in self._spaces.values() if space.errors]
        best = self._best()
        within = [error - min(errors) for errors in scored for error in errors]
        between = [min(errors) - best for errors in scored]
        for apart in (within, between):
            if positive := [distance for distance in apart if distance > 0]:
                return median(positive)
        return 1.0
