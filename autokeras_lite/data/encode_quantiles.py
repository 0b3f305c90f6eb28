"""The knots of the array `quantiles`: which values of a feature have given scores of a standard normal distribution.

scikit-learn's `QuantileTransformer(output_distribution="normal")` gives a value the share `p` of the training rows
below it, interpolated between up to 1,000 quantiles, and then the normal score of `p`. Two things are taken over from
TabM and RTDL (Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", section 4.2; 2025, "TabM",
appendix D): there are `rows / 30` quantiles, at least 10 and at most 1,000, and they are those of values with a little
noise, so that a value that many rows share has the score of its middle row and not of its last.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.encode_formula import NumberPlan, ShiftedNumbers, quantile_features

NOISE = 1e-5  # deviation of the noise, where the quartiles of a feature are 1 apart (see `robust_scale`)

_MOST_KNOTS = 256
_FEWEST_KNOTS = 16
_MOST_VALUES = 2**21  # knots of all features: 40 MB of JSON
_FEWEST_QUANTILES, _MOST_QUANTILES, _ROWS_OF_A_QUANTILE = 10, 1000, 30
_PART_ROWS = 4096
_SMALLEST_SHARE = 1e-7  # what scikit-learn takes for the share below the smallest value, and above the largest


def choose_num_knots(num_features: int) -> int:
    """Return how many knots each of so many features gets: 256, less where they would be more than 2,097,152.

    A knot takes about 20 bytes in the JSON of an encoding and 8 in a model file, so 40 features take 0.2 MB and 0.1.

    Example:
        >>> choose_num_knots(40), choose_num_knots(50_000)
        (256, 32)
    """
    num_knots = _MOST_KNOTS
    while num_knots > _FEWEST_KNOTS and num_knots * num_features > _MOST_VALUES:
        num_knots //= 2
    return num_knots


def normal_scores(num_knots: int) -> NDArray[np.float64]:
    """Return the scores at the knots, evenly from -5.2 to 5.2, the ends of scikit-learn's transformer.

    Example:
        >>> normal_scores(4).round(2).tolist()
        [-5.2, -1.73, 1.73, 5.2]
    """
    end = NormalDist().inv_cdf(_SMALLEST_SHARE)
    scores = np.linspace(end, -end, num_knots)
    return np.asarray((scores - scores[::-1]) / 2.0)  # to the last digit symmetric, so that a constant becomes 0


def fit_knots(scaled: NDArray[np.float64], num_knots: int) -> tuple[float, ...]:
    """Return where the scores `normal_scores(num_knots)` are reached, ascending, for all values `(rows,)` of a feature.

    The values are present, shifted and scaled so that their quartiles are 1 apart; two of them differ. At a knot a
    line from knot to knot has the very score of scikit-learn's transformer for the same noisy values; between knots it
    differs by less than the distance of two scores, whatever the values: 0.041 for 256 knots, 0.34 for 32.
    """
    noise = np.random.default_rng(0).standard_normal(len(scaled))
    noisy = np.sort(scaled + NOISE * noise)
    wanted = min(_MOST_QUANTILES, max(_FEWEST_QUANTILES, len(noisy) // _ROWS_OF_A_QUANTILE))
    shares = np.linspace(0.0, 1.0, min(wanted, len(noisy)))
    quantiles = np.interp(shares * (len(noisy) - 1), np.arange(len(noisy)), noisy)
    normal = NormalDist()
    below = [normal.cdf(score) for score in normal_scores(num_knots)]
    knots = np.maximum.accumulate(np.interp(below, shares, quantiles))  # rounding may turn two around
    return tuple(knots.tolist())


def encode_quantiles(shifted: ShiftedNumbers, plan: NumberPlan) -> NDArray[np.float32]:
    """Return the array `quantiles`: `quantile_features` in numpy, part by part, so that each part stays in a cache."""
    lookup = plan.knots.ravel().take if plan.knots.size else None
    parts = (
        ShiftedNumbers(*(each[start : start + _PART_ROWS] for each in shifted))
        for start in range(0, max(1, len(shifted.missing)), _PART_ROWS)
    )
    return np.concatenate([quantile_features(part, plan, lookup, np).astype(np.float32) for part in parts])


def knot_table(knots: Sequence[tuple[float, ...]], num_knots: int) -> NDArray[np.float64]:
    """Return `knots` of `NumberPlan`; a feature without knots is constant, and has the scores: what is 0 becomes 0."""
    if not num_knots:
        return np.empty((0, 1))
    rows = [_with_end(np.array(row), 1.0) if row else _with_end(normal_scores(num_knots), 1.0) for row in knots]
    return np.stack(rows) if rows else np.empty((0, num_knots + 1))


def score_table(num_knots: int) -> NDArray[np.float64]:
    """Return `scores` of `NumberPlan`."""
    return _with_end(normal_scores(num_knots), 0.0) if num_knots else np.empty(0)


def _with_end(values: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    return np.append(values, values[-1] + distance)
