"""Which configurations together predict better than the best one alone, and by how much."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.search.trust import Judges
from autokeras_lite.search.trust_influence import row_influence
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind

Array = NDArray[Any]
Rows = NDArray[np.int64]
Weights = Mapping[int, float]

STEPS = 25  # more brought nothing in TabRepo (Salinas and Erickson 2024)
PATIENCE = 5  # steps without a better mixture before a bag ends
MOST_CANDIDATES = 50
ROWS_OF_A_MEMBER = 50  # validation rows for each member that greedy selection may choose

# Measured by experiments/013_ensemble.
_NEAR = 1.5  # standard errors of the difference from the best
_EVEN_SHARE = 0.5  # of all shares
_DIVISIONS = 2  # of the rows into halves

_MOST_CELLS, _FEWEST_ROWS = 8_000, 1_000  # numbers and rows that a bag looks at, where there are more
_ROWS_OF_A_LABEL = 25  # of the rarest label that a bag should see
_MOST_LOOKS = 3  # times as many rows, for the sake of a rare label
_MOST_BAGS, _FEWEST_BAGS, _ROWS_OF_ALL_BAGS = 8, 3, 30_000
_SHARE_OF_ROWS = 0.8  # of few rows a bag looks at so many
_WHOLE_BAG = 10  # candidates of which a bag has all; of more it has half
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Ensemble:
    """Configurations whose predictions are averaged.

    `weights` gives each trial number its share: they sum to 1, the largest comes first. `score` is theirs on all rows,
    `single_score` that of the best single configuration. `gain` is how much better the ensemble is than the best single
    on rows that chose neither, in the metric's better direction and at least 0; `gain_error` is its standard error.
    Where that is worse by more than the error, the ensemble is not `kept`, and `weights` hold the best single alone.
    """

    weights: Weights
    score: float
    single_score: float
    gain: float
    gain_error: float
    kept: bool


def select_ensemble(
    task: Task, judges: Judges, predictions: Mapping[int, Array], *, seed: int, most_members: int
) -> Ensemble:
    """Choose configurations, by trial number, whose averaged predictions score best, and say by how much.

    `predictions` are `(rows, units)` of the rows that judge; the score of a configuration is the mean over the folds.

    Half of all shares belong, in equal parts, to the configurations that are within the noise of the best one, if there
    are any. Which of them is best is luck, and their mean is steadier than the luckiest. The rest is greedy selection
    with replacement that begins with these, bagged over rows and candidates (Caruana et al. 2004, "Ensemble selection
    from libraries of models"); one for every `ROWS_OF_A_MEMBER` rows may be chosen that way. The largest `most_members`
    shares are kept.

    The gain is measured by choosing on one half of the rows, the ensemble and the best single alike, and judging on the
    other, and the other way round; what belongs together stays in one half.

    Raises:
        ValueError: there are no predictions, or none has a score.

    Example:
        >>> task = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")
        >>> y = np.linspace(0, 1, 200)[:, None]
        >>> noise = np.random.default_rng(0).normal(size=(2, 200, 1))
        >>> two = {4: y + noise[0], 7: y + noise[1]}
        >>> chosen = select_ensemble(task, Judges(y, np.zeros(200, int)), two, seed=0, most_members=8)
        >>> chosen.kept, sorted(chosen.weights), chosen.score < chosen.single_score
        (True, [4, 7], True)
    """
    random = np.random.default_rng(seed)
    judge = _Judge.of(task, judges, predictions, random)
    weights, single = _select(judge, most_members, random)
    single_value = judge.value(judge.mixed({single: 1.0}))
    gain, error = _unseen_gain(judge, most_members, random) if len(weights) > 1 else (0.0, 0.0)
    kept = gain > -error
    return Ensemble(
        weights=dict(weights) if kept else {single: 1.0},
        score=judge.sign * (judge.value(judge.mixed(weights)) if kept else single_value),
        single_score=judge.sign * single_value,
        gain=max(0.0, gain) if kept else 0.0,
        gain_error=error,
        kept=kept,
    )


@dataclass(frozen=True)
class _Judge:
    """Rows that score predictions; `rows` are places in the arrays, fold after fold, and in each fold by their labels.

    So every nth of them are a fair sample of all. `owners` are the codes of what belongs together.
    """

    task: Task
    labels: Array
    folds: Array
    owners: Rows
    predictions: Mapping[int, Array]
    rows: Rows

    @classmethod
    def of(cls, task: Task, judges: Judges, predictions: Mapping[int, Array], random: np.random.Generator) -> "_Judge":
        """Take all rows."""
        labels, folds = np.asarray(judges.labels), np.asarray(judges.folds)
        columns = labels.reshape(len(labels), -1).T
        order = np.lexsort((random.random(len(labels)), *columns, folds))
        clusters = np.arange(len(labels)) if judges.clusters is None else judges.clusters
        owners = np.unique(clusters, return_inverse=True)[1].reshape(-1)
        return cls(task, labels, folds, owners, predictions, order)

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

    @property
    def has_score(self) -> bool:
        """Whether these rows give any configuration a score."""
        return any(self.value(self.mixed({number: 1.0})) > -math.inf for number in self.predictions)

    def error(self, one: Array, other: Array) -> float:
        """Return the standard error of the difference of two scores on these rows."""
        moves = np.bincount(self.owners[self.rows], self._moves(one) - self._moves(other))
        return math.sqrt(float(moves @ moves) * self._num_owners / max(1, self._num_owners - 1))

    @cached_property
    def _num_owners(self) -> int:
        return len(np.unique(self.owners[self.rows]))

    def _moves(self, predicted: Array) -> NDArray[np.float64]:
        """Return by how much each row moves the mean score over the folds."""
        labels, moves = self._labels_of_rows, np.zeros(len(self.rows))
        scored = [at for at in self.stretches if not math.isnan(score(self.task, labels[at], predicted[at]))]
        for place in scored:
            moves[place] = row_influence(self.task, labels[place], predicted[place])
            moves[place] /= (place.stop - place.start) * len(scored)
        return moves

    def at(self, places: Rows) -> "_Judge":
        """Judge by the rows at these places among `rows`, which come fold after fold."""
        return replace(self, rows=self.rows[places])

    def sample(self, num_rows: int, random: np.random.Generator) -> "_Judge":
        """Judge by so many of the rows, spread evenly over folds and labels."""
        step = len(self.rows) / num_rows
        places = (np.arange(num_rows) + random.random(num_rows)) * step
        return self.at(np.minimum(places.astype(np.int64), len(self.rows) - 1))

    def halves(self, random: np.random.Generator) -> tuple["_Judge", "_Judge"]:
        """Divide the rows in two, alike in folds and labels; what belongs together stays together."""
        owners = self.owners[self.rows]
        first = np.sort(np.unique(owners, return_index=True)[1])
        pairs = owners[first][: len(first) // 2 * 2].reshape(-1, 2)
        side = np.full(len(self.labels), -1)
        which = random.integers(0, 2, len(pairs))
        side[pairs[:, 0]], side[pairs[:, 1]] = which, 1 - which
        of_rows = side[owners]
        return self.at(np.flatnonzero(of_rows == 0)), self.at(np.flatnonzero(of_rows == 1))


# --- choosing ------------------------------------------------------------------------------------


def _select(judge: _Judge, most: int, random: np.random.Generator) -> tuple[Weights, int]:
    """Return the shares of at most so many configurations, the largest first, and the best single one."""
    ranked = _ranked(judge)
    single = ranked[0]
    if most < 2 or len(ranked) < 2:
        return {single: 1.0}, single
    near = _near(judge, ranked)[:most]
    even_share = _EVEN_SHARE if len(near) > 1 else 0.0
    even, grown = dict.fromkeys(near, even_share / len(near)), _grown(judge, near, ranked, most, random)
    shares = {number: even.get(number, 0.0) + (1.0 - even_share) * grown[number] for number in ranked}
    shares = {number: share for number, share in shares.items() if share > 0.0}
    order = sorted(shares, key=lambda number: -shares[number])[:most]  # of equal ones the best comes first
    total = math.fsum(shares[number] for number in order)
    return {number: shares[number] / total for number in order}, single


def _near(judge: _Judge, ranked: Sequence[int]) -> list[int]:
    """Return the configurations that are behind the best one by no more than noise, the best first.

    One that predicts just what the best one does is none of them.
    """
    best = judge.mixed({ranked[0]: 1.0})
    best_value = judge.value(best)

    def is_near(number: int) -> bool:
        other = judge.mixed({number: 1.0})
        return best_value - judge.value(other) <= _NEAR * judge.error(best, other) > 0.0

    return [ranked[0], *(number for number in ranked[1:] if is_near(number))]


def _grown(
    judge: _Judge, near: Sequence[int], ranked: Sequence[int], most: int, random: np.random.Generator
) -> Weights:
    """Return the shares that bags of rows and candidates give, all of them beginning with the near ones."""
    most = max(len(near), min(most, len(judge.rows) // ROWS_OF_A_MEMBER))
    others = [number for number in ranked if number not in near]
    size = max(min(len(others), _WHOLE_BAG), math.ceil(len(others) / 2))
    num_rows = _rows_of_a_bag(judge)
    bags = min(_MOST_BAGS, max(_FEWEST_BAGS, _ROWS_OF_ALL_BAGS // num_rows))
    votes: dict[int, float] = dict.fromkeys(ranked, 0.0)
    for _ in range(bags):
        drawn = np.sort(random.choice(len(others), size, replace=False))
        for number, share in _grow(judge.sample(num_rows, random), near, [others[i] for i in drawn], most).items():
            votes[number] += share / bags
    return votes


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


def _grow(judge: _Judge, near: Sequence[int], others: Sequence[int], most: int) -> dict[int, float]:
    """Add to the near ones, step by step, whichever makes the mean best; return the shares at the best step."""
    candidates = [*near, *others]
    stack = [judge.mixed({number: 1.0}) for number in candidates]
    chosen = list(range(len(near)))
    total = np.sum(stack[: len(near)], axis=0)
    best, length = judge.value(total / len(near)), len(near)
    mean = np.empty_like(total)
    for step in range(length + 1, max(STEPS, length) + 1):
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


def _is_more(value: float, than: float) -> bool:
    return value > than + _ROUNDING * abs(than)


# --- the gain on other rows ----------------------------------------------------------------------


def _unseen_gain(judge: _Judge, most: int, random: np.random.Generator) -> tuple[float, float]:
    """Return the gain over the best single on halves that chose neither, and its standard error."""
    found = [_gain_of_half(*halves, most, random) for halves in _divided(judge, random)]
    gain = math.fsum(one for one, _ in found) / len(found)
    error = math.sqrt(math.fsum(one**2 for _, one in found) / len(found) / 2)
    return (gain, error) if math.isfinite(gain) and math.isfinite(error) else (0.0, 0.0)


def _divided(judge: _Judge, random: np.random.Generator) -> Iterator[tuple[_Judge, _Judge]]:
    for _ in range(_DIVISIONS):
        one, other = judge.halves(random)
        yield one, other
        yield other, one


def _gain_of_half(choosing: _Judge, judging: _Judge, most: int, random: np.random.Generator) -> tuple[float, float]:
    if not (choosing.has_score and judging.has_score):
        return math.nan, math.nan
    weights, single = _select(choosing, most, random)
    mixed, alone = judging.mixed(weights), judging.mixed({single: 1.0})
    return judging.value(mixed) - judging.value(alone), judging.error(mixed, alone)
