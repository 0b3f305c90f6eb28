"""Which configurations together predict better than the best one alone, and whether the gain is more than noise."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind

Array = NDArray[Any]
Rows = NDArray[np.int64]
Weights = Mapping[int, float]

STEPS = 25  # more brought nothing in TabRepo (Salinas and Erickson 2024)
PATIENCE = 5  # steps without a better mixture before a bag ends
MOST_CANDIDATES = 50
ROWS_OF_A_MEMBER = 50  # validation rows for each member that an ensemble may have
RESAMPLES = 100

_MOST_CELLS, _FEWEST_ROWS = 8_000, 1_000  # numbers and rows that a bag looks at, where there are more
_ROWS_OF_A_LABEL = 25  # of the rarest label that a bag should see
_MOST_LOOKS = 3  # times as many rows, for the sake of a rare label
_MOST_BAGS, _FEWEST_BAGS, _ROWS_OF_ALL_BAGS = 8, 3, 30_000
_SHARE_OF_ROWS = 0.8  # of few rows a bag looks at so many
_WHOLE_BAG = 10  # candidates of which a bag has all; of more it has half
_MOST_RESAMPLED = 10_000
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Ensemble:
    """Configurations whose predictions are averaged.

    `weights` gives each trial number its share: they sum to 1, the largest comes first. `score` is theirs on all rows,
    `single_score` that of the best single configuration. `gain` is how much better the ensemble is than the best single
    on rows that chose neither, in the metric's better direction and at least 0; `gain_error` is its standard error.
    If the gain is no larger than that, the ensemble is not `kept`, and `weights` hold the best single alone.
    """

    weights: Weights
    score: float
    single_score: float
    gain: float
    gain_error: float
    kept: bool


def select_ensemble(
    task: Task, labels: Array, folds: Array, predictions: Mapping[int, Array], *, seed: int, most_members: int
) -> Ensemble:
    """Choose configurations, by trial number, whose averaged predictions score best, and say whether that is worth it.

    `predictions` are `(rows, units)` of the validation rows of all folds, one after the other; `labels` are aligned
    with them as in `autokeras_lite.tasks.metrics.score`, and `folds` `(rows,)` says to which fold a row belongs. The
    score of a configuration is the mean over the folds. An ensemble has at most `most_members` members, and at most one
    for every `ROWS_OF_A_MEMBER` rows.

    This is greedy selection with replacement, begun with the best single, bagged over rows and candidates, of which the
    best prefix counts (Caruana et al. 2004, "Ensemble selection from libraries of models"). The gain is measured by
    choosing on one half of the rows, the ensemble and the best single alike, and judging on the other, and the other
    way round; its error is that of a paired bootstrap of the judging rows within their folds.

    Raises:
        ValueError: there are no predictions, or none has a score.

    Example:
        >>> task = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")
        >>> y = np.linspace(0, 1, 200)[:, None]
        >>> noise = np.random.default_rng(0).normal(size=(2, 200, 1))
        >>> two = {4: y + noise[0], 7: y + noise[1]}
        >>> chosen = select_ensemble(task, y, np.zeros(200), two, seed=0, most_members=8)
        >>> chosen.kept, sorted(chosen.weights), chosen.score < chosen.single_score
        (True, [4, 7], True)
    """
    random = np.random.default_rng(seed)
    judge = _Judge.of(task, np.asarray(labels), np.asarray(folds), predictions, random)
    most = min(most_members, len(labels) // ROWS_OF_A_MEMBER)
    weights, single = _select(judge, most, random)
    single_value = judge.value(judge.mixed({single: 1.0}))
    gain, error = _unseen_gain(judge, most, random) if len(weights) > 1 else (0.0, 0.0)
    kept = gain > error
    return Ensemble(
        weights=dict(weights) if kept else {single: 1.0},
        score=judge.sign * (judge.value(judge.mixed(weights)) if kept else single_value),
        single_score=judge.sign * single_value,
        gain=max(0.0, gain),
        gain_error=error,
        kept=kept,
    )


@dataclass(frozen=True)
class _Judge:
    """Rows that score predictions; `rows` are places in the arrays, fold after fold, and in each fold by their labels.

    So every nth of them are a fair sample of all.
    """

    task: Task
    labels: Array
    folds: Array
    predictions: Mapping[int, Array]
    rows: Rows

    @classmethod
    def of(
        cls, task: Task, labels: Array, folds: Array, predictions: Mapping[int, Array], random: np.random.Generator
    ) -> "_Judge":
        """Take all rows."""
        columns = labels.reshape(len(labels), -1).T
        order = np.lexsort((random.random(len(labels)), *columns, folds))
        return cls(task, labels, folds, predictions, order)

    @property
    def sign(self) -> float:
        """What turns a score into a value of which more is better."""
        return 1.0 if self.task.direction == "maximize" else -1.0

    @cached_property
    def stretches(self) -> tuple[slice, ...]:
        """Where in `rows` each fold stands."""
        folds = self.folds[self.rows]
        edges = [0, *(np.flatnonzero(folds[1:] != folds[:-1]) + 1).tolist(), len(folds)]
        return tuple(slice(start, stop) for start, stop in pairwise(edges))

    @cached_property
    def _labels_of_rows(self) -> Array:
        return self.labels[self.rows]

    def mixed(self, weights: Weights) -> Array:
        """Return the weighted mean of what configurations predict for `rows`."""
        if len(weights) == 1:
            return self.predictions[next(iter(weights))][self.rows]
        return np.asarray(sum(share * self.predictions[number][self.rows] for number, share in weights.items()))

    def value(self, predicted: Array) -> float:
        """Return the mean score over the folds that have one, more being better; minus infinity if none has."""
        labels = self._labels_of_rows
        scores = [score(self.task, labels[place], predicted[place]) for place in self.stretches]
        defined = [one for one in scores if not math.isnan(one)]
        return self.sign * math.fsum(defined) / len(defined) if defined else -math.inf

    def at(self, places: Rows) -> "_Judge":
        """Judge by the rows at these places among `rows`, which come fold after fold."""
        return _Judge(self.task, self.labels, self.folds, self.predictions, self.rows[places])

    def sample(self, num_rows: int, random: np.random.Generator) -> "_Judge":
        """Judge by so many of the rows, spread evenly over folds and labels."""
        step = len(self.rows) / num_rows
        places = (np.arange(num_rows) + random.random(num_rows)) * step
        return self.at(np.minimum(places.astype(np.int64), len(self.rows) - 1))

    def halves(self, random: np.random.Generator) -> tuple["_Judge", "_Judge"]:
        """Divide the rows in two, alike in folds and labels."""
        pairs = np.arange(len(self.rows) // 2)
        first = random.integers(0, 2, len(pairs))
        return self.at(2 * pairs + first), self.at(2 * pairs + 1 - first)


# --- choosing ------------------------------------------------------------------------------------


def _select(judge: _Judge, most: int, random: np.random.Generator) -> tuple[Weights, int]:
    """Return the weights that score best on the rows of `judge`, and the best single configuration."""
    ranked = _ranked(judge)
    single = ranked[0]
    if most < 2 or len(ranked) < 2:
        return {single: 1.0}, single
    votes: Counter[int] = Counter()
    num_rows = _rows_of_a_bag(judge)
    for _ in range(min(_MOST_BAGS, max(_FEWEST_BAGS, _ROWS_OF_ALL_BAGS // num_rows))):
        size = max(min(len(ranked), _WHOLE_BAG), math.ceil(len(ranked) / 2))
        others = np.sort(random.choice(len(ranked) - 1, size - 1, replace=False)) + 1
        votes.update(_grow(judge.sample(num_rows, random), [single, *(ranked[i] for i in others)], most))
    return _best_part(judge, votes, single, most), single


def _ranked(judge: _Judge) -> list[int]:
    """Return the best configurations that have a score, the best first."""
    values = {number: judge.value(judge.mixed({number: 1.0})) for number in sorted(judge.predictions)}
    scored = [number for number, value in values.items() if value > -math.inf]
    if not scored:
        raise ValueError(f"None of {len(values)} configurations has a score. Expected predictions of trials that do.")
    return sorted(scored, key=lambda number: -values[number])[:MOST_CANDIDATES]


def _rows_of_a_bag(judge: _Judge) -> int:
    """Return on how many rows a bag chooses: as many as time allows, and more for the sake of a rare class."""
    available, units = len(judge.rows), judge.task.units
    wanted = max(_FEWEST_ROWS, _MOST_CELLS // units)
    if judge.task.kind is not TaskKind.REGRESSION:
        of_label = np.unique(judge.labels[judge.rows].reshape(available, -1)[:, 0], return_counts=True)[1]
        wanted = min(_MOST_LOOKS * wanted, max(wanted, math.ceil(_ROWS_OF_A_LABEL * available / of_label.min())))
    return min(wanted, math.ceil(_SHARE_OF_ROWS * available))


def _grow(judge: _Judge, candidates: Sequence[int], most: int) -> dict[int, float]:
    """Add to the first candidate, step by step, whichever makes the mean best; return the shares at the best step."""
    stack = [judge.mixed({number: 1.0}) for number in candidates]
    total, chosen = stack[0].copy(), [0]
    best, length = judge.value(total), 1
    mean = np.empty_like(total)
    for step in range(2, STEPS + 1):
        is_full = len(set(chosen)) >= most
        values = {}
        for index in sorted(set(chosen)) if is_full else range(len(stack)):
            np.divide(np.add(total, stack[index], out=mean), step, out=mean)
            values[index] = judge.value(mean)
        pick = max(values, key=lambda index: values[index])
        chosen.append(pick)
        total += stack[pick]
        if _is_more(values[pick], best):
            best, length = values[pick], step
        elif step - length >= PATIENCE:
            break
    return {candidates[index]: count / length for index, count in Counter(chosen[:length]).items()}


def _best_part(judge: _Judge, votes: Mapping[int, float], single: int, most: int) -> Weights:
    """Return the shares of those with the most votes: of as many as score best together, or the best single's."""
    order = sorted(votes, key=lambda number: (-votes[number], number))
    chosen: Weights = {single: 1.0}
    best = judge.value(judge.mixed(chosen))
    for size in range(2, min(most, len(order)) + 1):
        total = math.fsum(votes[number] for number in order[:size])
        weights = {number: votes[number] / total for number in order[:size]}
        value = judge.value(judge.mixed(weights))
        if _is_more(value, best):
            chosen, best = weights, value
    return chosen


def _is_more(value: float, than: float) -> bool:
    return value > than + _ROUNDING * abs(than)


# --- the gain on other rows ----------------------------------------------------------------------


def _unseen_gain(judge: _Judge, most: int, random: np.random.Generator) -> tuple[float, float]:
    """Return the gain over the best single on halves that chose neither, and its standard error."""
    one, other = judge.halves(random)
    gains, errors = [], []
    for choosing, judging in ((one, other), (other, one)):
        weights, single = _select(choosing, most, random)
        mixed, alone = judging.mixed(weights), judging.mixed({single: 1.0})
        gains.append(judging.value(mixed) - judging.value(alone))
        errors.append(_bootstrap_error(judging, mixed, alone, random))
    gain, error = sum(gains) / 2, math.hypot(*errors) / 2
    return (gain, error) if math.isfinite(gain) and math.isfinite(error) else (0.0, 0.0)


def _bootstrap_error(judge: _Judge, mixed: Array, alone: Array, random: np.random.Generator) -> float:
    """Return the standard error of the difference of two scores on the same rows.

    Rows are drawn anew within their folds. Of very many rows fewer are drawn than there are, and the error made smaller
    by the root of their share (Bickel, Goetze and van Zwet 1997, "Resampling fewer than n observations").
    """
    share = min(1.0, _MOST_RESAMPLED / len(judge.rows))
    differences = []
    for _ in range(RESAMPLES):
        drawn = [
            random.integers(place.start, place.stop, math.ceil(share * (place.stop - place.start)))
            for place in judge.stretches
        ]
        places = np.concatenate(drawn)
        again = judge.at(places)
        difference = again.value(mixed[places]) - again.value(alone[places])
        differences += [difference] if math.isfinite(difference) else []
    return float(np.std(differences, ddof=1)) * math.sqrt(share) if len(differences) > 1 else math.inf
