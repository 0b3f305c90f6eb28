"""How far the score of a search can be believed: corrected for picking the best of many, with an interval.

A search reports the best of many scores over the same rows, so it reports luck as well. What is measured here needs no
further training: only the validation predictions that every trial left.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.search.trust_bootstrap import Noise, confidence_interval, epoch_optimism, student_quantile
from autokeras_lite.search.trust_influence import row_influence
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind

_MOST_GROUPS = 4096
_SEED = 0
_SURENESS = 4
# Measured by experiments/006_trust: corrections are estimates too, and after folds the model is one trained anew.
_HOLDOUT_WIDENING, _FOLD_WIDENING = 1.1, 1.35
_UNPICKED = 0.65  # of the luck of its epoch has a trial that was not picked as well
# By how many standard errors a model that is trained again is better when its rows grow by the factor e: the mean over
# the tables of experiments/006_trust, of which the easiest gains a quarter of it and the hardest twice as much.
_GAIN_OF_ROWS = 1.1


@dataclass(frozen=True)
class Judges:
    """The rows that judged the trials: those of every fold, one fold after the other.

    `labels` are those of `autokeras_lite.tasks.metrics.score`, `folds` `(rows,)` the number of each row's fold. Where
    rows belong together (one customer, one week, or one row that judged in several folds) `clusters` `(rows,)` are the
    codes of what they belong to; whole clusters are resampled then.
    """

    labels: NDArray[Any]
    folds: NDArray[np.int64]
    clusters: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Candidate:
    """What is known of a trial beside its predictions.

    `origin` is that of `trial.py: TrialSpec`, `parameters` the size of its network, `seconds` what predicting one row
    takes, measured alike for all; `None` where that is not known. `curve` are its validation scores after each
    epoch, mean over the folds; where it is given, the best epoch is taken for picked by its score.
    """

    origin: str
    parameters: int
    seconds: float | None = None
    curve: Sequence[float] = ()


@dataclass(frozen=True)
class Ensemble:
    """A final predictor made of trials, in place of the best one.

    `predictions` `(rows, units)` are its own for the rows that judged, on which it was fitted. `gain` is how much
    better it is than the best single trial on rows that chose neither, more being better whatever the metric: what
    fitting it gained by luck is left out of the corrected score with that.
    """

    predictions: NDArray[np.float64]
    gain: float


@dataclass(frozen=True)
class Ending:
    """How a search ended: with its best trial, with a `winner` preferred to it, or with an `ensemble`.

    A `winner` other than the trial with the best score was preferred for scores that are not known to its judges.
    A model that was trained once more had `more_rows` times as many rows as the networks that were measured.
    """

    winner: int | None = None
    ensemble: Ensemble | None = None
    more_rows: float = 1.0


@dataclass(frozen=True)
class Trust:
    """What the score of a search is worth.

    `score` is the best one as it was measured, `corrected` what it would be on new rows, and `low` to `high` holds the
    truth with probability `level`. `equals` are the trials that cannot be told apart from the best, `smallest` and
    `fastest` the ones of them with the fewest parameters and the shortest prediction. `gain` says by how much the
    winner is better than the default on new rows, more being better whatever the metric, with its standard error; it
    is `None` where no default has a score. `overtuned` says that the winner is expected to be no better than it.
    """

    metric: str
    direction: str
    trials: int
    rows: int
    best: int | None
    score: float
    corrected: float
    low: float
    high: float
    level: float
    equals: tuple[int, ...]
    smallest: int | None
    fastest: int | None
    default: int | None
    default_score: float | None
    gain: float | None
    gain_error: float | None
    overtuned: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the trust that `to_json` wrote."""
        return cls(**{**values, "equals": tuple(values["equals"])})

    def sentences(self) -> tuple[str, ...]:
        """Say all of it in plain sentences."""
        told = [
            f"On new rows expect {self.metric} {_show(self.corrected)} ({self.level:.0%} interval {_show(self.low)} to "
            f"{_show(self.high)}); the best of {_count(self.trials, 'trial')} measured {_show(self.score)} on "
            f"{self.rows} rows."
        ]
        return (*told, *self._about_equals(), *self._about_default())

    def _about_equals(self) -> list[str]:
        others = len(self.equals) - (self.best in self.equals)
        if not others:
            return []
        winner = "the ensemble" if self.best is None else f"trial {self.best}"
        kin = f"{_count(others, 'trial')} cannot be told apart from {winner}"
        named = [(self.smallest, "smallest"), (self.fastest, "fastest")]
        if self.smallest == self.fastest:
            named = [(self.smallest, "smallest and fastest")]
        told = [f"the {what} is trial {number}" for number, what in named if number not in (None, self.best)]
        return [f"{kin}{': ' if told else ''}{', '.join(told)}."]

    def _about_default(self) -> list[str]:
        if self.gain is None or self.gain_error is None:
            return []
        if self.default == self.best:
            return ["The default configuration is the best: searching gained nothing over it."]
        if self.overtuned:
            return [
                f"Warning: overtuned. The winner leads the default (trial {self.default}) by no more than luck gives "
                f"the best of {_count(self.trials, 'trial')}; the default is as good a choice."
            ]
        what = f"Searching gained about {_show(self.gain)} over the default (trial {self.default})"
        if self.gain <= student_quantile(self.level, self.rows) * self.gain_error:
            return [f"{what}, which may be luck (standard error {_show(self.gain_error)})."]
        return [f"{what} (standard error {_show(self.gain_error)})."]


def measure_trust(
    task: Task,
    judges: Judges,
    predictions: Mapping[int, NDArray[np.floating[Any]]],
    candidates: Mapping[int, Candidate],
    *,
    ending: Ending | None = None,
    level: float = 0.9,
) -> Trust:
    """Measure what the best score of a search is worth, from the validation predictions of its trials.

    `predictions` `(rows, units)` and `candidates` have the numbers of trials as keys; predictions are read once, one
    trial at a time. Trials without a finite score take no part. Nothing is drawn from a changing seed.

    Corrected are the choice of the trial (`Noise.optimism`) and that of its epoch (`epoch_optimism`). An ensemble's
    corrected score is that of the best trial and its gain over it. A preferred winner is expected to be as good as the
    best trial truly is, but no better than it was measured. A model that was trained again has seen more rows than the
    networks that were measured, and is expected to be a little better, by a measured rule; no corrected score is better
    than the measured one. The interval is that of the winner's own score, whose noise is taken from the influence of
    each row, moved to the corrected score.

    Raises:
        ValueError: no trial has a finite score.
    """
    judged, ending = _Judged.of(task, judges), ending or Ending()
    winner, ensemble = ending.winner, ending.ensemble
    trials = _score_trials(judged, predictions)
    chosen = {number: candidates[number] for number in trials.numbers}
    noise, column = trials.noise, trials.noise.best
    measured, expected = noise.scores[column], noise.scores[column] - noise.optimism
    if winner in trials.numbers and ensemble is None:
        column = trials.numbers.index(winner)
        measured, expected = noise.scores[column], min(expected, noise.scores[column])
    if ensemble is not None:
        fitted, moves = judged.score(ensemble.predictions)
        noise, column = noise.with_column(measured + ensemble.gain, moves), len(trials.numbers)
        measured, expected = fitted, expected + ensemble.gain
    more = _GAIN_OF_ROWS * math.log(ending.more_rows) * noise.error(column)
    picked = _Winner(noise, column, float(measured), float(expected), more, _epoch_luck(judged, trials, chosen))
    return _describe(judged, trials, chosen, picked, level)


@dataclass(frozen=True)
class _Judged:
    """The rows that judge, cut into the groups that are resampled; scores of which more is better."""

    task: Task
    labels: NDArray[Any]
    folds: tuple[NDArray[np.int64], ...]
    parts: int
    groups: NDArray[np.int64]
    sign: float

    @classmethod
    def of(cls, task: Task, judges: Judges) -> "_Judged":
        folds = tuple(np.flatnonzero(judges.folds == fold) for fold in np.unique(judges.folds))
        sign = 1.0 if task.direction == "maximize" else -1.0
        return cls(task, np.asarray(judges.labels), folds, _count_parts(judges), _group(judges), sign)

    @property
    def rows(self) -> int:
        """How many rows judge; one that judges in several deals of folds counts once."""
        return len(self.labels) * self.parts // len(self.folds)

    def score(self, predictions: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
        """Return the mean score over the folds, and by how much each group of rows moves it."""
        scores, moves = [], np.zeros(len(self.labels))
        for rows in self.folds:
            labels, given = self.labels[rows], predictions[rows]
            scores.append(score(self.task, labels, given))
            if math.isfinite(scores[-1]):
                moves[rows] = row_influence(self.task, labels, given) / (len(rows) * len(self.folds))
        total = np.asarray(self.sign * np.bincount(self.groups, moves), np.float64)
        return self.sign * float(np.mean(scores)), total


def _group(judges: Judges) -> NDArray[np.int64]:
    """Number the groups of rows that are resampled as one: clusters, or rows; of very many rows a few at random.

    A sum of rows drawn at random is as noisy as its rows, so larger groups cost little and save memory.
    """
    codes = np.arange(len(judges.folds)) if judges.clusters is None else _codes(judges.clusters)
    number = int(codes.max()) + 1
    if number > _MOST_GROUPS:
        codes = (np.random.default_rng(_SEED).permutation(number) * _MOST_GROUPS // number)[codes]
    return codes


def _codes(clusters: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.unique(clusters, return_inverse=True)[1], np.int64).reshape(-1)


def _count_parts(judges: Judges) -> int:
    """Return into how many folds the rows are cut: of folds that are dealt anew each deal counts once."""
    number = len(np.unique(judges.folds))
    if judges.clusters is None:
        return number
    pairs = len(np.unique(np.stack([judges.folds, _codes(judges.clusters)], axis=1), axis=0))
    return max(1, round(number * len(np.unique(judges.clusters)) / pairs))


@dataclass(frozen=True)
class _Trials:
    """The trials that have a score, in the order of their numbers, and the noise of their scores."""

    numbers: tuple[int, ...]
    noise: Noise


def _score_trials(judged: _Judged, predictions: Mapping[int, NDArray[Any]]) -> _Trials:
    scored = {number: judged.score(np.asarray(predictions[number])) for number in sorted(predictions)}
    finite = {number: pair for number, pair in scored.items() if math.isfinite(pair[0])}
    if not finite:
        raise ValueError("No trial has a finite score. Expected the predictions of at least one.")
    scores = np.array([value for value, _ in finite.values()])
    return _Trials(tuple(finite), Noise(scores, np.stack([moves for _, moves in finite.values()], axis=1), _SEED))


def _epoch_luck(judged: _Judged, trials: _Trials, candidates: Mapping[int, Candidate]) -> Callable[[int], float]:
    """Return what says by how much the choice of its epoch flatters a trial."""
    size = trials.noise.idiosyncrasy

    def luck(number: int) -> float:
        curve = judged.sign * np.asarray(candidates[number].curve, np.float64)
        return epoch_optimism(curve, size, _SEED)

    return luck


@dataclass(frozen=True)
class _Winner:
    """What was picked: its column in the noise, its score, and the score without the luck of being picked.

    More is better. `more_rows` is what training again on all rows adds, `luck` of a trial's number what the choice of
    its epoch does.
    """

    noise: Noise
    column: int
    measured: float
    expected: float
    more_rows: float
    luck: Callable[[int], float]


def _describe(
    judged: _Judged, trials: _Trials, candidates: Mapping[int, Candidate], winner: _Winner, level: float
) -> Trust:
    is_trial = winner.column < len(trials.numbers)
    best = trials.numbers[winner.column if is_trial else trials.noise.best]
    expected = winner.expected - winner.luck(best)
    default, default_score, gain, gain_error = _gain(trials, candidates, winner, expected)
    expected = min(winner.measured, expected + winner.more_rows)
    widening = _widening(judged)
    degrees = max(1, int(judged.groups.max()) + 1 - judged.parts)
    quantile = widening * student_quantile((1.0 + level) / 2.0, degrees)
    metric, corrected = judged.task.metric, judged.sign * expected
    error = winner.noise.error(winner.column)
    low, high = confidence_interval(metric, corrected, error, quantile, _most_rows(judged, error))
    equals = [trials.numbers[i] for i in winner.noise.find_equals(level, widening) if i < len(trials.numbers)]
    return Trust(
        metric=metric,
        direction=judged.task.direction,
        trials=len(trials.numbers),
        rows=judged.rows,
        best=best if is_trial else None,
        score=judged.sign * winner.measured,
        corrected=min(max(corrected, low), high),
        low=low,
        high=high,
        level=level,
        equals=tuple(equals),
        smallest=min(equals, key=lambda number: candidates[number].parameters, default=None),
        fastest=_fastest(equals, candidates),
        default=default,
        default_score=None if default_score is None else judged.sign * default_score,
        gain=gain,
        gain_error=None if gain_error is None else widening * gain_error,
        overtuned=gain is not None and gain <= 0 and not (is_trial and default == best),
    )


def _gain(
    trials: _Trials, candidates: Mapping[int, Candidate], winner: _Winner, expected: float
) -> tuple[int, float, float, float] | tuple[None, None, None, None]:
    """Return the first default and its score, and what the winner is expected to gain over it with its error."""
    defaults = [number for number in trials.numbers if candidates[number].origin == "default"]
    if not defaults:
        return None, None, None, None
    default, column = defaults[0], trials.numbers.index(defaults[0])
    measured = float(trials.noise.scores[column])
    if column == winner.column:
        return default, measured, 0.0, 0.0
    gain = expected - (measured - _UNPICKED * winner.luck(default))
    return default, measured, gain, winner.noise.error(winner.column, than=column)


def _widening(judged: _Judged) -> float:
    return _FOLD_WIDENING if len(judged.folds) > 1 else _HOLDOUT_WIDENING


def _most_rows(judged: _Judged, error: float) -> int:
    """Return for how many rows a share counts at most.

    The area under a curve may be surer than a share over as many rows. Where no noise can be seen (every row is right)
    the rows of the rarest class count, but for accuracy, which knows no classes.
    """
    rows, kind = judged.rows, judged.task.kind
    if error > 0:
        return _SURENESS * rows
    if kind not in (TaskKind.BINARY, TaskKind.MULTICLASS) or judged.task.metric == "accuracy":
        return rows
    return int(np.unique(judged.labels, return_counts=True)[1].min())


def _fastest(numbers: Sequence[int], candidates: Mapping[int, Candidate]) -> int | None:
    timed = {number: candidates[number].seconds for number in numbers}
    known = {number: seconds for number, seconds in timed.items() if seconds is not None}
    return min(known, key=lambda number: known[number], default=None)


def _show(value: float) -> str:
    return f"{value:.4f}" if 0.01 <= abs(value) < 100 else f"{value:.4g}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
