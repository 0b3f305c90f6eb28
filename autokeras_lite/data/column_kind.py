"""The kind of a column, found by rules whose reason a person understands."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from autokeras_lite.data.dates import find_date_format

SAMPLE_ROWS = 20_000
NUM_EXAMPLES = 3
MAX_EXAMPLE_LENGTH = 40
MIN_IDENTIFIER_ROWS = 20  # among fewer rows, values that all differ say nothing
MIN_IDENTIFIER_SHARE = 0.95
MAX_IDENTIFIER_WORDS = 3.0
MAX_RUN_SPREAD = 10  # a run 1, 4, 9, ... may leave out nine of ten numbers and still be a run of identifiers
MIN_TEXT_WORDS = 4.0
MIN_TEXT_SHARE = 0.3
MIN_NUMBER_SHARE = 0.95
FEWEST_CODES, MOST_CODES = 3, 12  # of two numbers a network learns any function anyway
MIN_CODE_ROWS = 1_000  # for each code on average: with so many nothing is lost by forgetting their order

_IDENTIFIER_WORDS = frozenset({"id", "ids", "uid", "uuid", "guid", "identifier", "rowid", "rownumber", "unnamed"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LEADING_ZERO = r"0\d+"


class ColumnKind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "free text"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    EMPTY = "empty"


DROPPED_KINDS = frozenset({ColumnKind.TEXT, ColumnKind.IDENTIFIER, ColumnKind.CONSTANT, ColumnKind.EMPTY})


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a table: its kind and why, how much is missing, and whether a model gets it.

    A date that is written as text has its `date_format`, for `dates.parse_dates`. `warning` is a sentence to show to
    the person, or nothing.
    """

    name: str
    kind: ColumnKind
    reason: str
    missing: int
    distinct: int
    kept: bool
    examples: tuple[str | int | float | bool, ...] = ()
    date_format: str | None = None
    warning: str = ""


@dataclass(frozen=True)
class _Verdict:
    kind: ColumnKind
    reason: str
    date_format: str | None = None
    warning: str = ""


def profile_column(values: pd.Series) -> ColumnProfile:
    """Describe one column of a table.

    Example:
        >>> profile_column(pd.Series([1.5, None, 2.5], name="height")).kind
        <ColumnKind.NUMBER: 'number'>
    """
    present = values.dropna()
    distinct = int(present.nunique())
    verdict = _judge(values, present, distinct)
    return ColumnProfile(
        name=str(values.name),
        kind=verdict.kind,
        reason=verdict.reason,
        missing=len(values) - len(present),
        distinct=distinct,
        kept=verdict.kind not in DROPPED_KINDS,
        examples=tuple(_shorten(plain_value(value)) for value in present.iloc[:SAMPLE_ROWS].unique()[:NUM_EXAMPLES]),
        date_format=verdict.date_format,
        warning=verdict.warning,
    )


def plain_value(value: Any) -> str | int | float | bool:
    """Convert a cell to what JSON can hold.

    Example:
        >>> plain_value(np.int32(3)), plain_value(pd.Timestamp(2024, 1, 2))
        (3, '2024-01-02 00:00:00')
    """
    plain = value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value
    return plain if isinstance(plain, str | int | float | bool) else str(plain)


def looks_like_identifier(name: str) -> bool:
    """Say whether a column's name speaks of an identifier.

    Example:
        >>> looks_like_identifier("customerId"), looks_like_identifier("width")
        (True, False)
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    return words[:1] == ["index"] or any(word in _IDENTIFIER_WORDS for word in words)


def _judge(values: pd.Series, present: pd.Series, distinct: int) -> _Verdict:
    if present.empty:
        return _Verdict(ColumnKind.EMPTY, "every value is missing")
    if distinct == 1 and len(present) == len(values):
        return _Verdict(ColumnKind.CONSTANT, f"every value is {_shorten(plain_value(present.iloc[0]))!r}")
    return _judge_varied(values, present, distinct)


def _judge_varied(values: pd.Series, present: pd.Series, distinct: int) -> _Verdict:
    complete = len(present) == len(values)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _Verdict(ColumnKind.CATEGORY, f"declared as categories; {distinct} levels")
    if pd.api.types.is_bool_dtype(values.dtype):
        return _Verdict(ColumnKind.BOOLEAN, "holds true and false")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _judge_numbers(present, distinct, complete=complete)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _Verdict(ColumnKind.DATE, "holds dates")
    return _judge_texts(present, distinct, complete=complete)


def _judge_numbers(present: pd.Series, distinct: int, *, complete: bool) -> _Verdict:
    if distinct <= 2 and present.isin([0, 1]).all():
        return _Verdict(ColumnKind.BOOLEAN, "holds only 0 and 1")
    if complete and distinct == len(present) >= MIN_IDENTIFIER_ROWS and pd.api.types.is_integer_dtype(present.dtype):
        reason = _identifier_reason(present)
        if reason:
            return _Verdict(ColumnKind.IDENTIFIER, f"{reason}; convert it to float to keep it")
    if _are_codes(present, distinct):
        told = f"the whole numbers {present.min()} to {present.max()}, read as codes for so many rows"
        return _Verdict(ColumnKind.CATEGORY, f"{told}; convert it to float to have numbers")
    return _Verdict(ColumnKind.NUMBER, f"numbers with {distinct} different values")


def _are_codes(present: pd.Series, distinct: int) -> bool:
    """Say whether these are codes from 0 or 1 to a small number, with rows enough to learn each by itself."""
    if not (pd.api.types.is_integer_dtype(present.dtype) and FEWEST_CODES <= distinct <= MOST_CODES):
        return False
    low, high = int(present.min()), int(present.max())
    return low in (0, 1) and high - low + 1 == distinct and len(present) >= MIN_CODE_ROWS * distinct


def _identifier_reason(present: pd.Series) -> str:
    spread = (int(present.max()) - int(present.min()) + 1) / len(present)
    if spread == 1:
        return "whole numbers that count the rows without a gap"
    if spread <= MAX_RUN_SPREAD and (present.is_monotonic_increasing or present.is_monotonic_decreasing):
        return "whole numbers that run with the rows and never repeat"
    if looks_like_identifier(str(present.name)):
        return "whole numbers that never repeat, named like an identifier"
    return ""


def _judge_texts(present: pd.Series, distinct: int, *, complete: bool) -> _Verdict:
    sample = present.iloc[:: max(1, -(-len(present) // SAMPLE_ROWS))].astype("str")
    odd = _odd_numbers(sample)
    if odd.empty and _odd_numbers(present).empty:
        verdict = _judge_numbers(pd.to_numeric(present), distinct, complete=complete)
        named = verdict.kind is ColumnKind.IDENTIFIER
        return verdict if named else _Verdict(ColumnKind.NUMBER, "texts that are all numbers")
    date_format = find_date_format(sample)
    if date_format:
        shown = "ISO dates" if date_format.startswith("ISO") else f"dates like {date_format}"
        return _Verdict(ColumnKind.DATE, f"texts that are {shown}", date_format)
    verdict = _judge_words(sample, distinct, len(present))
    if len(odd) and len(odd) <= (1 - MIN_NUMBER_SHARE) * len(sample):
        warning = (
            f"Column {present.name} holds numbers except for values such as {_shorten(odd.iloc[0])!r}, so it is read "
            f"as {verdict.kind}. Leave those cells empty to have it read as numbers."
        )
        return _Verdict(verdict.kind, verdict.reason, warning=warning)
    return verdict


def _odd_numbers(texts: pd.Series) -> pd.Series:
    """Return the texts that are not numbers; a code with a leading zero is none."""
    if _is_code(texts):
        return texts
    return texts[pd.to_numeric(texts, errors="coerce").isna()]


def _is_code(texts: pd.Series) -> bool:
    return bool(texts.str.fullmatch(_LEADING_ZERO).any())


def _judge_words(sample: pd.Series, distinct: int, num_present: int) -> _Verdict:
    share = distinct / num_present
    words = float((sample.str.count(r"\s+") + 1).mean())
    if num_present >= MIN_IDENTIFIER_ROWS:
        if words >= MIN_TEXT_WORDS and share >= MIN_TEXT_SHARE:
            return _Verdict(
                ColumnKind.TEXT, f"sentences of {words:.0f} words on average, {share:.0%} of them different"
            )
        if share >= MIN_IDENTIFIER_SHARE:
            kind = ColumnKind.IDENTIFIER if words <= MAX_IDENTIFIER_WORDS else ColumnKind.TEXT
            return _Verdict(kind, f"texts of which {share:.0%} are different")
    return _Verdict(ColumnKind.CATEGORY, f"texts with {distinct} levels")


def _shorten(value: str | int | float | bool) -> str | int | float | bool:
    if isinstance(value, str) and len(value) > MAX_EXAMPLE_LENGTH:
        return value[: MAX_EXAMPLE_LENGTH - 3] + "..."
    return value
