"""What one target column holds, whatever pandas stores it as."""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.errors import DataError, TaskError
from autokeras_lite.tasks.task import Label

MOST_MAGNITUDE = 1e150  # the squares of larger numbers overflow
_TOO_LARGE = "Target {!r} holds an infinite value or one beyond {:g}. Expected finite numbers. Remove or correct it."


class Content(StrEnum):
    """What the values of a target column are."""

    BOOLEAN = "true or false"
    TEXT = "text"
    CATEGORY = "categories"
    INTEGER = "whole numbers"
    FRACTION = "numbers with fractions"


@dataclass(frozen=True)
class TargetColumn:
    """A target column at a glance: `labels` are its distinct values as sorted plain Python values.

    Numbers sort by size, texts letter by letter, False before True. Whole floats are integers. `rows` counts the
    values that are not missing.
    """

    name: str
    content: Content
    labels: tuple[Label, ...]
    rows: int

    @property
    def is_flag(self) -> bool:
        """Whether all values are 0 or 1, or False or True."""
        return all(not isinstance(label, str) and label in (0, 1) for label in self.labels)

    @property
    def are_numbers(self) -> bool:
        """Whether all values can be read as numbers, texts such as '1.5' too."""
        return all(_number(label) is not None for label in self.labels)


def read_target_column(target: pd.Series) -> TargetColumn:
    """Say what the values of a target column are; missing values are left out.

    Raises:
        TaskError: nothing but missing values, dates, or values of several types.
        DataError: an infinite value, or one whose square is.

    Example:
        >>> read_target_column(pd.Series([2.0, 1.0, None, 1.0], name="y")).labels
        (1, 2)
    """
    name = str(target.name)
    known = target.dropna()
    if known.empty:
        raise TaskError(f"Target {name!r} has no values. Expected a value in most rows. Name another target.")
    values = _distinct(name, known)
    if any(isinstance(value, float) and abs(value) > MOST_MAGNITUDE for value in values):
        raise DataError(_TOO_LARGE.format(name, MOST_MAGNITUDE))
    content = _content(name, values)
    if content is Content.INTEGER:
        values = [int(value) for value in values]
    if isinstance(target.dtype, pd.CategoricalDtype) and content is not Content.BOOLEAN:
        content = Content.CATEGORY
    return TargetColumn(name, content, tuple(sorted(values)), len(known))


def as_numbers(target: pd.Series) -> NDArray[np.float64]:
    """Return the values of a target column as float64 `(rows,)`; numeric texts are read, missing values become nan.

    Raises:
        TaskError: a value that is no number, named.
        DataError: an infinite value, or one whose square is.
    """
    if pd.api.types.is_float_dtype(target.dtype) or pd.api.types.is_integer_dtype(target.dtype):
        return _finite(target, target.to_numpy(dtype=np.float64, na_value=np.nan))
    codes, distinct = pd.factorize(target)
    numbers = [_number(value) for value in distinct.tolist()]
    if None in numbers:
        wrong = distinct.tolist()[numbers.index(None)]
        raise TaskError(
            f"Target {target.name!r} holds {wrong!r}. Expected numbers, as regression asks for. Correct the values or "
            "ask for a classification with --task."
        )
    table = np.array([*numbers, math.nan], dtype=np.float64)  # code -1, a missing value, reads the last entry
    return _finite(target, table[codes])


def _finite(target: pd.Series, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    if (np.abs(numbers) > MOST_MAGNITUDE).any():
        raise DataError(_TOO_LARGE.format(target.name, MOST_MAGNITUDE))
    return numbers


def _distinct(name: str, known: pd.Series) -> list[Any]:
    try:
        return [_plain(value) for value in known.unique().tolist()]
    except TypeError as error:  # pandas cannot hash lists, arrays and the like
        raise TaskError(
            f"Target {name!r} holds lists or other containers. Expected one value in each row. Split it into columns."
        ) from error


def _content(name: str, values: list[Any]) -> Content:
    types = {type(value) for value in values}
    if types == {bool}:
        return Content.BOOLEAN
    if types == {str}:
        return Content.TEXT
    if types <= {int, float}:
        return Content.INTEGER if all(value == int(value) for value in values) else Content.FRACTION
    found = " and ".join(sorted(kind.__name__ for kind in types))
    raise TaskError(
        f"Target {name!r} holds values of type {found}. Expected only texts, only numbers or only true/false. "
        "Convert the column to one of them."
    )


def _plain(value: Any) -> Any:
    """Return a value as the plain Python type that JSON keeps; other types stay, to be refused by name."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating | Decimal):
        return float(value)
    return str(value) if isinstance(value, str) else value


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number
