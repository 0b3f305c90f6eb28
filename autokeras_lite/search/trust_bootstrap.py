"""What picking the best of many does to a score, and how far a score may be from the truth.

Everything here reads scores of which more is better, and the covariance of their noise over validation rows.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.tasks.metrics import METRICS

Values = NDArray[np.float64]

_DRAWS = 2000  # each is used with both signs
_FEWER_DRAWS = 400  # where the work grows with the square of the number of trials
_HELD_BACK = 0.3
_NEAREST = 0.25
# What two epochs of one training differ by, in the noise between a trial and those most like it (measured by
# experiments/006_trust): at once, and over the whole length of the curve.
_EPOCH_JUMP, _EPOCH_DRIFT = 0.3, 1.2
_EPOCHS_AROUND = 5
_ALONE = 0.35  # noise between trials, in standard errors of a score, where there is one trial
_UNIT_METRICS = frozenset(
    {"accuracy", "balanced_accuracy", "roc_auc", "average_precision", "f1", "precision", "recall"}
)


@dataclass(frozen=True)
class Noise:
    """The scores of trials `(trials,)`, more being better, and how each row moves them, `(rows or groups, trials)`.

    The columns of `moves` sum to 0 over each fold; a score over rows that are counted anew is `scores` plus the moves
    of the rows that are counted once more, minus those of the rows that are left out.
    """

    scores: Values
    moves: Values
    seed: int = 0

    @cached_property
    def covariance(self) -> Values:
        """The covariance of the scores `(trials, trials)`, over other rows that might have been drawn."""
        rows = len(self.moves)
        covariance: Values = self.moves.T @ self.moves * (rows / max(1, rows - 1))
        return covariance

    @cached_property
    def best(self) -> int:
        """The column of the best score; of equal ones the first."""
        return int(np.argmax(self.scores))

    def with_column(self, score: float, moves: Values) -> "Noise":
        """Return the noise with one more candidate behind the others."""
        return Noise(np.append(self.scores, score), np.column_stack([self.moves, moves]), self.seed)

    def error(self, column: int, than: int | None = None) -> float:
        """Return the standard error of a score, or of its difference to another."""
        if than is None:
            return math.sqrt(max(0.0, self.covariance[column, column]))
        return float(self._errors_to(column)[than])

    def _errors_to(self, column: int) -> Values:
        spread = np.diag(self.covariance)
        squares = spread + spread[column] - 2.0 * self.covariance[column]
        negligible = 1e-12 * (spread + spread[column])  # of equal predictions rounding is left
        return np.sqrt(np.where(squares > negligible, squares, 0.0))

    def _draw(self, number: int) -> Values:
        """Draw noise `(draws, trials)`: what a bootstrap over the rows does to the scores."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        drawn = np.random.default_rng(self.seed).standard_normal((number, len(values))) @ root.T
        return np.concatenate([drawn, -drawn])

    @cached_property
    def optimism(self) -> float:
        """How much better the best score is than the truth about it, because it was picked for its score.

        Bootstrap bias correction (Tsamardinos et al. 2018, section 3: pick in the bag, score what is left), in the
        form of the coupled bootstrap (Oliveira, Lei and Tibshirani 2021, arXiv:2111.09447): the bag is the scores plus
        noise, what is left is the scores minus that noise, scaled so that the two are independent. A bag of drawn rows
        has twice the noise of the scores and so picks worse than the search did; this one has 1.3 times.
        """
        noise, scale = self._draw(_DRAWS), math.sqrt(_HELD_BACK)
        picked = np.argmax(self.scores + scale * noise, axis=1)
        lost = self.scores[self.best] - self.scores[picked]
        lucky = noise[np.arange(len(noise)), picked] - noise[:, self.best]
        return max(0.0, float(np.mean(lost + lucky / scale)))

    @cached_property
    def idiosyncrasy(self) -> float:
        """The standard deviation of the noise that the best trial does not share with the quarter most like it."""
        others = np.delete(self._errors_to(self.best), self.best)
        if not len(others):
            return _ALONE * self.error(self.best)
        nearest = np.sort(others)[: max(1, round(_NEAREST * len(others)))]
        return math.sqrt(float(np.mean(nearest**2)) / 2.0)

    def find_equals(self, level: float, widening: float = 1.0) -> NDArray[np.int64]:
        """Return the columns that cannot be told apart from the best.

        Multiple comparisons with the best (Hsu 1984): with probability `level` the truly best trial is among them. A
        trial leaves when another is better by more than noise, the greatest of all its differences allowed for.
        """
        drawn, left = self._draw(_FEWER_DRAWS), []
        for column, score in enumerate(self.scores):
            errors = self._errors_to(column)
            safe = np.where(errors > 0, errors, np.inf)
            ahead = self.scores - score
            beyond = ((drawn - drawn[:, [column]]) / safe).max(axis=1)
            allowed = max(0.0, widening * float(np.quantile(beyond, level)))
            is_behind = (ahead > allowed * errors) & (ahead > 0)
            if not is_behind.any():
                left.append(column)
        return np.asarray(left, np.int64)


def epoch_optimism(curve: Values, idiosyncrasy: float, seed: int = 0) -> float:
    """Return how much better the best epoch's score is than the truth about it, because it was picked for its score.

    `curve` are the scores after each epoch, more being better, mean over the folds, which keep one epoch together.
    Predictions of the other epochs are not kept, so how far the noise of two epochs differs is taken from
    `idiosyncrasy` (`Noise.idiosyncrasy`), by a measured rule, and from the curve itself: where it hardly moves, its
    noise moves no more.
    """
    if len(curve) < 2 or idiosyncrasy <= 0 or not np.isfinite(curve).all():
        return 0.0
    best, noise = int(np.argmax(curve)), _draw_epoch_noise(curve, idiosyncrasy, seed)
    noise, rows = noise - noise[:, [best]], np.arange(len(noise))
    scale = math.sqrt(_HELD_BACK)
    picked = np.argmax(curve + scale * noise, axis=1)
    return max(0.0, float(np.mean(curve[best] - curve[picked] + noise[rows, picked] / scale)))


def _draw_epoch_noise(curve: Values, idiosyncrasy: float, seed: int) -> Values:
    """Draw what the scores after each epoch differ from the truth by, `(draws, epochs)`."""
    epochs, rng = len(curve), np.random.default_rng(seed)
    around = min(_EPOCHS_AROUND, epochs - 1)
    padded = np.pad(np.diff(curve) ** 2, around // 2, mode="edge")
    steps = np.convolve(padded, np.ones(around) / around, mode="valid")[: epochs - 1]
    mean_step = (np.append(steps[:1], steps) + np.append(steps, steps[-1:])) / 2.0
    size = idiosyncrasy**2
    jump = np.minimum(_EPOCH_JUMP * size, mean_step / 2.0)
    drift = np.minimum(2.0 * _EPOCH_DRIFT / epochs * size, steps)
    noise = np.sqrt(jump) * rng.standard_normal((_DRAWS, epochs))
    noise[:, 1:] += np.cumsum(np.sqrt(drift) * rng.standard_normal((_DRAWS, epochs - 1)), axis=1)
    return np.concatenate([noise, -noise])


def student_quantile(probability: float, degrees: float) -> float:
    """Return a quantile of Student's t (Abramowitz and Stegun 1964, 26.7.5; for few degrees the exact forms).

    Example:
        >>> round(student_quantile(0.95, 10), 3)
        1.812
    """
    if degrees < 2:
        return math.tan(math.pi * (probability - 0.5))
    if degrees < 3:
        centred = 2.0 * probability - 1.0
        return centred * math.sqrt(2.0 / (1.0 - centred**2))
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))


def confidence_interval(metric: str, centre: float, error: float, quantile: float, rows: int) -> tuple[float, float]:
    """Return the interval around a score in its own direction, on a scale on which its noise is nearly even.

    For metrics from 0 to 1 it is that of Wilson 1927 for a share that has the same error, counted over `rows` at most;
    errors and losses, and what `r2` lacks to 1, vary by a factor. So no limit lies where no score can be, and a perfect
    score has a lower limit.

    Example:
        >>> [round(limit, 3) for limit in confidence_interval("accuracy", 1.0, 0.0, 1.645, rows=60)]
        [0.957, 1.0]
    """
    if metric in _UNIT_METRICS:
        return _wilson(min(max(centre, 0.0), 1.0), error, quantile, rows)
    if METRICS[metric].direction == "maximize":
        low, high = _by_a_factor(1.0 - centre, error, quantile)
        return min(centre, 1.0 - high), max(centre, 1.0 - low)
    return _by_a_factor(centre, error, quantile)


def _wilson(share: float, error: float, quantile: float, rows: int) -> tuple[float, float]:
    spread = share * (1.0 - share)
    is_visible = error > math.sqrt(spread / rows) > 0
    number = max(1.0, spread / error**2) if is_visible else float(rows)
    shrunk = 1.0 + quantile**2 / number
    middle = (share + quantile**2 / (2.0 * number)) / shrunk
    half = quantile / shrunk * math.sqrt(spread / number + quantile**2 / (4.0 * number**2))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def _by_a_factor(centre: float, error: float, quantile: float) -> tuple[float, float]:
    if centre <= 0:
        return centre - quantile * error, centre + quantile * error
    factor = math.exp(min(quantile * error / centre, 50.0))
    return centre / factor, centre * factor
