"""The one reading of a cell: as text, as a number, as a truth value, as a moment.

Every function here looks at each cell alone, so that a row reads the same whichever rows stand beside it. The fit, the
encoded arrays and the inputs of the model file all read through these functions.
"""

import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.dates import ISO

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_TRUTH_WORDS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
_NUMBERS = (float, int, Decimal, np.number, np.bool_)
_BELOW_MICROSECONDS = re.compile(r"(\.[0-9]{6})[0-9]+")
_MOVING = ("now", "today")  # pandas reads these as the time of reading, which is nothing to learn from


def as_text(values: pd.Series) -> NDArray[np.object_]:
    """Return the one text of every cell, `(rows,)` of `str`; a missing cell gives the empty text.

    A whole number has the same text whatever type held it, and so has a truth value.

    Example:
        >>> as_text(pd.Series([7, 7.0, "7", "7.0", True, None, 0.5], dtype=object)).tolist()
        ['7', '7', '7', '7', 'true', '', '0.5']
    """
    if values.dtype == object:
        return _objects([_text(value) for value in values])
    codes, uniques = pd.factorize(values)
    # An Index would hand out float32 as float64, with digits that nobody wrote.
    cells = uniques.to_numpy() if pd.api.types.is_float_dtype(values.dtype) else uniques
    return _objects([*(_text(value) for value in cells), ""])[codes]


def as_number(values: pd.Series) -> NDArray[np.float64]:
    """Return every cell as a number, `(rows,)`; numeric text counts, and what is no number gives NaN.

    Example:
        >>> as_number(pd.Series(["1.5", " 2 ", "many", None])).tolist()
        [1.5, 2.0, nan, nan]
    """
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == object:
        return _numbers_of_objects(values.astype(object).to_numpy())
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        return _plain(values.dt.total_seconds())
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype):
        return _plain(values)
    if pd.api.types.is_string_dtype(values.dtype):
        return _plain(pd.to_numeric(values, errors="coerce"))
    return np.full(len(values), math.nan)


def as_truth(values: pd.Series) -> NDArray[np.float64]:
    """Return every cell as 1 (true), 0 (false) or NaN (neither), `(rows,)`.

    Example:
        >>> as_truth(pd.Series(["Yes", "no", "perhaps"])).tolist()
        [1.0, 0.0, nan]
    """
    codes, uniques = pd.factorize(as_text(values))
    return np.array([_truth(text) for text in uniques], np.float64)[codes]


def as_epoch_seconds(values: pd.Series, date_format: str | None = None) -> NDArray[np.float64]:
    """Return every cell as seconds since 1970-01-01 UTC, `(rows,)`; what is no date gives NaN.

    Text is read in `date_format` (see `autokeras_lite.data.dates`), and as an ISO date where that fails. A column
    of numbers is taken for such seconds already, and a time without a zone for UTC.

    Example:
        >>> as_epoch_seconds(pd.Series(["1970-01-02", "1970-01-01T01:00", "soon"])).tolist()
        [86400.0, 3600.0, nan]
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return _seconds(values.to_numpy())
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return _plain(values)
    codes, uniques = pd.factorize(as_text(values))
    return _parsed_seconds(uniques, date_format or ISO)[codes]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _text_of_text(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return _text_of_float(value)
    return _text_of_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _text_of_text(value: str) -> str:
    if "\x00" in value:
        value = value.replace("\x00", "")  # the vocabulary of a model file drops it from the end of a text
    if not value.isascii():
        return value.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair has no place in a model file
    whole = _WHOLE_NUMBER.fullmatch(value)
    if whole:
        return "0" if whole[1] == "-0" else whole[1]
    return _TRUTH_WORDS.get(value, value)


def _text_of_float(value: float | np.floating[Any]) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)


def _truth(text: str) -> float:
    word = text.strip().lower()
    return 1.0 if word in _TRUE else 0.0 if word in _FALSE else math.nan


def _numbers_of_objects(values: NDArray[Any]) -> NDArray[np.float64]:
    numbers = np.array([_number(value) for value in values], np.float64)
    texts = np.array([isinstance(value, str) for value in values], bool)
    if texts.any():
        numbers[texts] = _plain(
            pd.to_numeric(pd.Series(as_text(pd.Series(values[texts], dtype=object)), dtype="str"), errors="coerce")
        )
    return numbers


def _number(value: Any) -> float:
    if isinstance(value, np.complexfloating) or not isinstance(value, _NUMBERS):
        return math.nan
    try:
        return float(value)
    except (OverflowError, ValueError):  # an integer beyond every float, a signalling NaN
        return math.nan


def _plain(values: pd.Series) -> NDArray[np.float64]:
    return np.asarray(values.to_numpy(np.float64, na_value=math.nan))


def _seconds(moments: NDArray[np.datetime64]) -> NDArray[np.float64]:
    unit, count = np.datetime_data(moments.dtype)
    per_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit] / count
    return np.where(np.isnat(moments), math.nan, moments.astype(np.int64) / per_second)


def _parsed_seconds(texts: NDArray[np.object_], date_format: str) -> NDArray[np.float64]:
    # Beyond microseconds the whole column would change its unit, and far dates beside it would be lost.
    cut = pd.Series([_BELOW_MICROSECONDS.sub(r"\1", text) for text in texts], dtype="str")
    cut[cut.str.strip().str.lower().isin(_MOVING)] = ""
    seconds = _parse(cut, date_format)
    unread = np.isnan(seconds)
    if date_format != ISO and unread.any():
        seconds[unread] = _parse(cut[unread], ISO)
    return seconds


def _parse(texts: pd.Series, date_format: str) -> NDArray[np.float64]:
    moments = pd.to_datetime(texts, errors="coerce", format=date_format, utc=True)
    return _seconds(moments.dt.tz_localize(None).to_numpy())


def _objects(values: list[str]) -> NDArray[np.object_]:
    array = np.empty(len(values), object)
    array[:] = values
    return array
