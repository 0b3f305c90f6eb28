"""Frames with plain columns: unique text labels, and the few types that the rooms above know."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from autokeras_lite.data.dates import parse_dates
from autokeras_lite.errors import DataError

MOST_COLUMNS = 50_000  # a model has an input for each
LONGEST_NAME = 2_000

_MOST_LISTED = 12
_MOST_SHOWN = 60
_TEMPORAL = frozenset({"datetime64", "datetime", "date"})
_NUMERIC = frozenset({"integer", "floating", "mixed-integer-float", "decimal"})


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns are booleans, numbers, texts, dates without a zone, or categories of texts.

    Labels become texts, rows are numbered from 0, and every mark of missing becomes NaN or NaT. Booleans with missing
    values become 0.0, 1.0 and NaN.

    Raises:
        DataError: two columns have the same label, a column holds what is no single value (a list, a picture), or there
            are more than 50,000 columns.

    Example:
        >>> plain_frame(pd.DataFrame({1: pd.array([1, None], dtype="Int64")}))["1"].tolist()
        [1.0, nan]
    """
    labels = unique_labels(frame)
    columns = {
        label: plain_column(frame.iloc[:, index].reset_index(drop=True).rename(label))
        for index, label in enumerate(labels)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), columns=pd.Index(labels, dtype="str"))


def unique_labels(frame: pd.DataFrame) -> list[str]:
    """Return the labels of a frame as texts.

    Raises:
        DataError: two of them are the same, one is longer than 2,000 characters, or there are too many.
    """
    check_num_columns("The table", frame.shape[1])
    labels = [str(label) for label in frame.columns]
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise DataError(f"The table has columns of the same name: {listed(repeated)}. Rename all but one of each.")
    longest = max(labels, key=len, default="")
    if len(longest) > LONGEST_NAME:
        raise DataError(
            f"The name of column {longest[:_MOST_SHOWN]!r} has {len(longest):,} characters. Expected at most "
            f"{LONGEST_NAME:,}. Shorten it."
        )
    return labels


def check_num_columns(what: str, count: int) -> None:
    """Check that there are no more columns than a model can have inputs.

    Raises:
        DataError: there are.
    """
    if count > MOST_COLUMNS:
        raise DataError(
            f"{what} has {count:,} columns. Expected at most {MOST_COLUMNS:,}. Choose columns, or exchange rows and "
            "columns if they stand the wrong way round."
        )


def listed(names: Sequence[str]) -> str:
    r"""Write the first names of many in one line of a message, without what a terminal would obey.

    Example:
        >>> print(listed(["a", "b\nc", *"defghijklmn"]))
        a, b\nc, d, e, f, g, h, i, j, k, l, ...
    """
    shown = [shortened(name) for name in names[:_MOST_LISTED]]
    return ", ".join(shown) + (", ..." if len(names) > _MOST_LISTED else "")


def shortened(text: str, most: int = _MOST_SHOWN) -> str:
    r"""Return a text as one short line that a terminal shows and does not obey.

    Example:
        >>> print(shortened("red \x1b[31m name"))
        red \x1b[31m name
    """
    cut = text if len(text) <= most else f"{text[:most]}..."
    return cut if cut.isprintable() else repr(cut)[1:-1]


def plain_column(values: pd.Series) -> pd.Series:
    """Return one column in a plain type; see `plain_frame`."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf":
        return values
    convert = next((convert for fits, convert in _CONVERSIONS if fits(values.dtype)), _from_objects)
    return convert(values)


def _from_objects(values: pd.Series) -> pd.Series:
    """Convert Python objects, and the types of Arrow and of pandas that know missing values."""
    content = pd.api.types.infer_dtype(values, skipna=True)
    present = values.notna()
    if content == "empty":
        return pd.Series(np.nan, index=values.index, name=values.name, dtype=np.float64)
    if content == "boolean":
        return values.astype(bool) if present.all() else _as_floats(values)
    if content == "integer" and present.all():
        return _as_integers(values)
    if content in _NUMERIC:
        return _as_floats(values)
    if content in _TEMPORAL:
        return parse_dates(pd.to_datetime(values.astype(object), errors="coerce", utc=True))
    return _as_texts(values)


def _as_integers(values: pd.Series) -> pd.Series:
    try:
        return values.astype(np.int64)
    except OverflowError:
        return _as_floats(values)


def _as_floats(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), np.nan).astype(np.float64)


def _as_texts(values: pd.Series) -> pd.Series:
    objects = values.astype(object)
    for value in objects[objects.notna()]:
        if isinstance(value, list | tuple | dict | set | bytes | np.ndarray):
            raise DataError(
                f"Column {_name(values)!r} holds a value of type {type(value).__name__}. Expected one number, text, "
                "date or boolean in each cell. Split it into columns or leave it out."
            )
    return objects.map(str, na_action="ignore").astype("str")


def _name(values: pd.Series) -> str:
    return str(values.name)[:_MOST_SHOWN]


def _from_categories(values: pd.Series) -> pd.Series:
    return values.astype(object).map(str, na_action="ignore").astype("str").astype("category")


def _from_periods(values: pd.Series) -> pd.Series:
    return pd.Series(values.dt.to_timestamp())


def _from_durations(values: pd.Series) -> pd.Series:
    return pd.Series(values.dt.total_seconds())


def _from_sparse(values: pd.Series) -> pd.Series:
    return plain_column(pd.Series(values.to_numpy(), index=values.index, name=values.name))


def _from_texts(values: pd.Series) -> pd.Series:
    return values.astype("str")


def _refuse_complex(values: pd.Series) -> pd.Series:
    raise DataError(f"Column {_name(values)!r} holds complex numbers. Split it into two columns of real numbers.")


_CONVERSIONS: tuple[tuple[Callable[[Any], bool], Callable[[pd.Series], pd.Series]], ...] = (
    (lambda dtype: isinstance(dtype, pd.CategoricalDtype), _from_categories),
    (lambda dtype: isinstance(dtype, pd.PeriodDtype), _from_periods),
    (lambda dtype: isinstance(dtype, pd.SparseDtype), _from_sparse),
    (lambda dtype: isinstance(dtype, pd.StringDtype), _from_texts),
    (pd.api.types.is_datetime64_any_dtype, parse_dates),
    (pd.api.types.is_timedelta64_dtype, _from_durations),
    (pd.api.types.is_complex_dtype, _refuse_complex),
)
