"""The arithmetic between the raw columns of a table and its encoded arrays, written once for numpy and for Keras.

`ops` is `numpy` or `keras.ops`: both spell the functions used here alike. So the arrays that a model was trained on and
the layers in front of the model in its file cannot differ in anything but rounding.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

LARGEST_NUMBER = 1e150  # its square is still a float64
LARGEST_SCALED = 1e9
SECONDS_PER_DAY = 86_400.0
LARGEST_SECONDS = 1e12  # about 31,700 years each way: the calendar is exact in float64 up to there

DATE_PARTS = (
    "time",
    "year",
    "day",
    "month_sin",
    "month_cos",
    "weekday_sin",
    "weekday_cos",
    "hour_sin",
    "hour_cos",
)
SCALED_DATE_PARTS = DATE_PARTS[:3]


class Operations(Protocol):
    """What `numpy` and `keras.ops` have in common, as far as it is used here."""

    concatenate: Any
    clip: Any
    cos: Any
    equal: Any
    greater_equal: Any
    isnan: Any
    maximum: Any
    sin: Any
    sqrt: Any
    take: Any
    where: Any
    zeros_like: Any


@dataclass(frozen=True)
class NumberPlan:
    """Where each encoded number comes from.

    The candidates are the raw columns followed by the parts of every date, part by part. `scaled` candidates are
    shifted by `center`, multiplied by `scale` and then clipped smoothly, or mapped by their quantiles; `plain` ones are
    only shifted and multiplied by `plain_center` and `plain_scale`. `origin` names, for both in that order, the raw
    column that may be missing. `flagged` are the raw columns with a missing indicator.

    `knots` `(scaled, knots + 1)` are ascending, and what has the value of a knot has the score `scores` `(knots + 1,)`
    of its place. The number of knots is a power of 2; one more follows, beyond all others, with the score of the last.
    Without quantiles there is no row.
    """

    dates: NDArray[np.int64]
    scaled: NDArray[np.int64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    plain: NDArray[np.int64]
    plain_center: NDArray[np.float64]
    plain_scale: NDArray[np.float64]
    origin: NDArray[np.int64]
    flagged: NDArray[np.int64]
    knots: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class CategoryPlan:
    """Where each encoded category goes.

    Codes count the levels of a column from 1, and 0 is unseen. `known[offsets[i] + code]` is the code that the column
    learned, which is 0 for a level that it has a place for and did not see. Flag `j` says whether column
    `flag_columns[j]` holds level `flag_levels[j]`; `coded` are the columns that stay codes.
    """

    known: NDArray[np.int64]
    offsets: NDArray[np.int64]
    flag_columns: NDArray[np.int64]
    flag_levels: NDArray[np.int64]
    coded: NDArray[np.int64]


class ShiftedNumbers(NamedTuple):
    """Numbers on the way: the scaled features, not yet bounded, the plain ones, and which of both are missing."""

    scaled: Any
    plain: Any
    missing: Any


def shifted_numbers(raw: Any, plan: NumberPlan, ops: Operations) -> ShiftedNumbers:
    """Return the features of raw numbers `(rows, columns)`, float64, as far as all ways of scaling share them."""
    missing = ops.isnan(raw)
    filled = ops.clip(ops.where(missing, 0.0, raw), -LARGEST_NUMBER, LARGEST_NUMBER)
    candidates = filled
    if len(plan.dates):
        parts = _date_parts(ops.take(filled, plan.dates, axis=1), ops)
        candidates = ops.concatenate([filled, *(parts[name] for name in DATE_PARTS)], axis=1)
    scaled = shift(ops.take(candidates, plan.scaled, axis=1), plan.center, plan.scale, ops)
    plain = (ops.take(candidates, plan.plain, axis=1) - plan.plain_center) * plan.plain_scale
    return ShiftedNumbers(scaled, plain, ops.take(missing, plan.origin, axis=1))


def number_features(shifted: ShiftedNumbers, ops: Operations) -> Any:
    """Return the encoded numbers `(rows, features)`, float64: robust scale and smooth clip; what is missing is 0.

    As in RealMLP (Holzmueller, Grinsztajn and Steinwart 2024, "Better by default").
    """
    features = ops.concatenate([smooth_clip(shifted.scaled, ops), shifted.plain], axis=1)
    return ops.where(shifted.missing, 0.0, features)


def quantile_features(
    shifted: ShiftedNumbers, plan: NumberPlan, lookup: Callable[[Any], Any] | None, ops: Operations
) -> Any:
    """Return the features of `number_features` with the scaled ones mapped to a standard normal by their quantiles.

    `lookup(index)` is `plan.knots.ravel()[index]`, and `None` if nothing is scaled. The knots below and above a value
    are found by bisection, and between them the score is interpolated linearly; beyond the ends, -5.2 and 5.2, it
    stays. How far that is from scikit-learn's transformer stands in `autokeras_lite.data.encode_quantiles`.
    """
    num_features, width = plan.knots.shape
    if lookup is None:
        return number_features(shifted, ops)
    first = np.arange(num_features) * width
    scaled = ops.maximum(shifted.scaled, plan.knots[:, 0])
    index = ops.zeros_like(scaled, dtype="int64") + first
    step = (width - 1) // 2
    while step:
        index = ops.where(ops.greater_equal(scaled, lookup(index + step)), index + step, index)
        step //= 2
    low = lookup(index)
    share = (scaled - low) / (lookup(index + 1) - low)  # of several equal knots this is the last, so never 0 / 0
    place = index - first
    below, above = ops.take(plan.scores, place, axis=0), ops.take(plan.scores, place + 1, axis=0)
    features = ops.concatenate([below + share * (above - below), shifted.plain], axis=1)
    return ops.where(shifted.missing, 0.0, features)


def shift(values: Any, center: Any, scale: Any, ops: Operations) -> Any:
    """Return `(values - center) * scale`, at most 1e9 away from 0."""
    return ops.clip((values - center) * scale, -LARGEST_SCALED, LARGEST_SCALED)


def smooth_clip(scaled: Any, ops: Operations) -> Any:
    """Clip smoothly to -3 .. 3: x / sqrt(1 + (x / 3)^2).

    Example:
        >>> smooth_clip(np.array([0.0, 1e9]), np).tolist()
        [0.0, 3.0]
    """
    third = scaled / 3.0
    return scaled / ops.sqrt(third * third + 1.0)


def missing_flags(raw: Any, plan: NumberPlan, ops: Operations) -> Any:
    """Return which of the raw columns with a missing indicator are missing, `(rows, flags)` of truth values."""
    return ops.isnan(ops.take(raw, plan.flagged, axis=1))


def known_codes(codes: Any, plan: CategoryPlan, ops: Operations) -> Any:
    """Return the codes `(rows, columns)` with 0 for every level that was not learned."""
    return ops.take(plan.known, codes + plan.offsets, axis=0)


def level_flags(codes: Any, plan: CategoryPlan, ops: Operations) -> Any:
    """Return the one-hot flags of known codes, `(rows, flags)` of truth values."""
    return ops.equal(ops.take(codes, plan.flag_columns, axis=1), plan.flag_levels)


def standardise(values: Any, center: NDArray[np.float64], scale: NDArray[np.float64], ops: Operations) -> Any:
    """Return `(values - center) * scale` for each channel (the last axis), 0 where missing; values are float64."""
    missing = ops.isnan(values)
    near = ops.clip(ops.where(missing, 0.0, values), -LARGEST_NUMBER, LARGEST_NUMBER)
    return ops.where(missing, 0.0, shift(near, center, scale, ops))


def known_tokens(tokens: Any, vocabulary: int, unknown: int, ops: Operations) -> Any:
    """Return the tokens, with `unknown` for every one that is not 0 .. vocabulary - 1.

    Example:
        >>> known_tokens(np.array([0, 4, 5, -1]), 5, 9, np).tolist()
        [0, 4, 9, 9]
    """
    return ops.where(ops.equal(ops.clip(tokens, 0, vocabulary - 1), tokens), tokens, unknown)


def calendar(days: Any) -> tuple[Any, Any, Any]:
    """Return year, month (1 to 12) and day of the month for whole days since 1970-01-01, in the Gregorian calendar.

    Howard Hinnant's `civil_from_days`, in floor divisions alone, so that it holds for arrays of any kind.

    Example:
        >>> calendar(19782.0)
        (2024.0, 2.0, 29.0)
    """
    shifted = days + 719468.0
    era = shifted // 146097.0
    day_of_era = shifted - era * 146097.0
    leaps = day_of_era // 1460.0 - day_of_era // 36524.0 + day_of_era // 146096.0
    year_of_era = (day_of_era - leaps) // 365.0
    day_of_year = day_of_era - (365.0 * year_of_era + year_of_era // 4.0 - year_of_era // 100.0)
    month_from_march = (5.0 * day_of_year + 2.0) // 153.0
    day = day_of_year - (153.0 * month_from_march + 2.0) // 5.0 + 1.0
    next_year = month_from_march // 10.0  # January and February end a year that begins in March
    return year_of_era + era * 400.0 + next_year, month_from_march + 3.0 - 12.0 * next_year, day


def date_parts(seconds: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return every part of dates given as seconds since 1970, none of which is missing.

    Example:
        >>> float(date_parts(np.array([86400.0 * 31]))["day"][0])
        1.0
    """
    return _date_parts(seconds, np)


def _date_parts(seconds: Any, ops: Operations) -> dict[str, Any]:
    near = ops.clip(seconds, -LARGEST_SECONDS, LARGEST_SECONDS)
    days = near // SECONDS_PER_DAY
    year, month, day = calendar(days)
    from_monday = days + 3.0  # 1970-01-01 was a Thursday
    angles = {
        "month": (month - 1.0) * (2.0 * math.pi / 12.0),
        "weekday": (from_monday - 7.0 * (from_monday // 7.0)) * (2.0 * math.pi / 7.0),
        "hour": (near - days * SECONDS_PER_DAY) * (2.0 * math.pi / SECONDS_PER_DAY),
    }
    circles = {f"{name}_sin": ops.sin(angle) for name, angle in angles.items()}
    circles |= {f"{name}_cos": ops.cos(angle) for name, angle in angles.items()}
    return {"time": near, "year": year, "day": day} | circles
