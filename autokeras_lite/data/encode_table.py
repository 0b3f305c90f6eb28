"""The columns of a table as a model gets them: what was learned from the training rows, and how it is applied."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.column_kind import ColumnKind, ColumnProfile
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode_formula import (
    DATE_PARTS,
    LARGEST_NUMBER,
    SCALED_DATE_PARTS,
    CategoryPlan,
    NumberPlan,
    date_parts,
    known_codes,
    level_flags,
    missing_flags,
    number_features,
    shift,
    shifted_numbers,
)
from autokeras_lite.data.encode_quantiles import choose_num_knots, encode_quantiles, fit_knots, knot_table, score_table
from autokeras_lite.data.encode_values import as_epoch_seconds, as_number, as_text, as_truth

MAX_ONE_HOT_LEVELS = 10
MAX_LEVELS = 10_000
MIN_LEVEL_ROWS = 2

_MOST_SCALED: Mapping[ColumnKind, int] = MappingProxyType(
    {ColumnKind.NUMBER: 1, ColumnKind.DATE: len(SCALED_DATE_PARTS)}
)  # features of a column that are scaled
_SMALLEST_WIDTH = 1e-150  # a narrower column is constant to any model
_ROUNDING = 1e-9


@dataclass(frozen=True)
class NumberColumn:
    """A number: `(value - center) * scale`, then clipped smoothly. `flag`: with a missing indicator.

    `knots` are the values of `(value - center) * scale` that have the scores of `encode_quantiles.normal_scores`; empty
    where the scale is 0, or where nobody wants them.
    """

    name: str
    center: float
    scale: float
    flag: bool
    knots: tuple[float, ...] = ()


@dataclass(frozen=True)
class BooleanColumn:
    """A truth value: -1, 1, or 0 where it is missing."""

    name: str


@dataclass(frozen=True)
class DateColumn:
    """A date: its `parts` that vary, the scaled ones among them with their `centers`, `scales` and `knots`."""

    name: str
    date_format: str | None
    parts: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    flag: bool
    knots: tuple[tuple[float, ...], ...] = ()

    @property
    def scaled_parts(self) -> tuple[str, ...]:
        """The parts that `centers` and `scales` speak of, in their order."""
        return tuple(part for part in SCALED_DATE_PARTS if part in self.parts)


@dataclass(frozen=True)
class CategoryColumn:
    """A category: level `i` has the code `i + 1`, anything else 0; the empty text stands for missing.

    `unlearned` are codes that exist only so that all folds share one structure: they are read as 0.
    """

    name: str
    levels: tuple[str, ...]
    one_hot: bool
    unlearned: tuple[int, ...] = ()


NumberLike = NumberColumn | BooleanColumn | DateColumn
TableColumn = NumberLike | CategoryColumn

_TYPES: dict[str, type[TableColumn]] = {
    "number": NumberColumn,
    "boolean": BooleanColumn,
    "date": DateColumn,
    "category": CategoryColumn,
}


class _Feature(NamedTuple):
    """One encoded number: its candidate (see `NumberPlan`), the raw column it comes from, and its scaling."""

    candidate: int
    origin: int
    center: float
    scale: float
    knots: tuple[float, ...] = ()


@dataclass(frozen=True)
class TableEncoding:
    """The encoding of a table; `source_columns` names every column that the table had, in order.

    With `num_knots`, a power of 2, there is the array `quantiles` beside `numbers`.
    """

    source_columns: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    num_knots: int = 0

    @cached_property
    def raw_number_columns(self) -> tuple[NumberLike, ...]:
        """The columns that are numbers before they are encoded."""
        return tuple(column for column in self.columns if not isinstance(column, CategoryColumn))

    @cached_property
    def category_columns(self) -> tuple[CategoryColumn, ...]:
        """The columns that are text before they are encoded."""
        return tuple(column for column in self.columns if isinstance(column, CategoryColumn))

    @cached_property
    def number_plan(self) -> NumberPlan:
        """Where each encoded number comes from."""
        return _number_plan(self.raw_number_columns, self.num_knots)

    @cached_property
    def category_plan(self) -> CategoryPlan:
        """Where each encoded category goes."""
        return _category_plan(self.category_columns)

    @cached_property
    def inputs(self) -> InputSpec:
        """What a model gets."""
        numbers, categories = self.number_plan, self.category_plan
        arrays = (
            ArraySpec("numbers", (len(numbers.origin),)),
            ArraySpec("quantiles", (len(numbers.origin) if self.num_knots else 0,)),
            ArraySpec("flags", (len(numbers.flagged) + len(categories.flag_levels),)),
            ArraySpec("codes", (len(categories.coded),), "int32"),
        )
        cardinalities = tuple(len(column.levels) + 1 for column in self.category_columns if not column.one_hot)
        levels = tuple(len(column.levels) for column in self.category_columns if column.one_hot)
        groups = (1,) * len(numbers.flagged) + levels
        return InputSpec(InputKind.TABLE, tuple(array for array in arrays if array.shape[0]), cardinalities, groups)

    def read(self, frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
        """Return the raw form of every column, `(rows,)`: text of categories, float64 of the rest."""
        return {column.name: _read(column, frame[column.name]) for column in self.columns}

    def encode(self, raw: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the arrays of `inputs` for what `read` returned."""
        rows = len(next(iter(raw.values())))
        numbers = _stack([raw[column.name] for column in self.raw_number_columns], rows, np.dtype(np.float64))
        looked_up = [_codes(column, raw[column.name]) for column in self.category_columns]
        codes = known_codes(_stack(looked_up, rows, np.dtype(np.int64)), self.category_plan, np)
        flags = [missing_flags(numbers, self.number_plan, np), level_flags(codes, self.category_plan, np)]
        shifted = shifted_numbers(numbers, self.number_plan, np)
        made = {
            "numbers": number_features(shifted, np).astype(np.float32),
            "flags": np.concatenate(flags, axis=1).astype(np.float32),
            "codes": codes[:, self.category_plan.coded].astype(np.int32),
        }
        if self.num_knots:
            made["quantiles"] = encode_quantiles(shifted, self.number_plan)
        return {array.name: made[array.name] for array in self.inputs.arrays}

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        names = {column_type: name for name, column_type in _TYPES.items()}
        columns = [{"type": names[type(column)], **asdict(column)} for column in self.columns]
        return {"source_columns": list(self.source_columns), "columns": columns, "num_knots": self.num_knots}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the encoding that `to_json` wrote."""
        columns = tuple(_column(column) for column in values["columns"])
        return cls(tuple(values["source_columns"]), columns, values.get("num_knots", 0))  # earlier versions had none


def fit_table(frame: pd.DataFrame, profiles: Sequence[ColumnProfile], *, quantiles: bool = False) -> TableEncoding:
    """Learn the encoding of the kept columns from all rows of `frame`; a column that tells nothing is left out.

    With `quantiles` the knots of the array of that name are learned too.
    """
    kept = [profile for profile in profiles if profile.kept]
    features = sum(_MOST_SCALED.get(profile.kind, 0) for profile in kept)
    num_knots = choose_num_knots(features) if quantiles else 0
    fitted = [_fit(frame[profile.name], profile, num_knots) for profile in kept]
    columns = tuple(column for column in fitted if column is not None)
    return TableEncoding(tuple(str(name) for name in frame), columns, num_knots)


def refit_table(frame: pd.DataFrame, layout: TableEncoding) -> TableEncoding:
    """Learn the same columns from all rows of `frame`, with the structure of `layout`."""
    columns = tuple(_refit(frame[column.name], column, layout.num_knots) for column in layout.columns)
    return TableEncoding(layout.source_columns, columns, layout.num_knots)


def robust_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return center and scale: the median, and 1 / (q75 - q25).

    Where the quartiles are equal the values other than the median count: their own quartile distance, or how far their
    middle one is from the median, if that is more. So amounts that are mostly 0 are told apart by how the others
    differ, not by the largest of them. Where their quartiles are equal too, the scale is 2 / (max - min), or 0. Values
    that are missing do not count; without any, both are 0.

    Example:
        >>> robust_scale(np.array([1.0, 2.0, 3.0, np.nan]))
        (2.0, 1.0)
        >>> robust_scale(np.array([0.0] * 20 + [10.0, 15.0, 20.0, 25.0, 99_999.0]))
        (0.0, 0.05)
    """
    present = np.clip(values[~np.isnan(values)], -LARGEST_NUMBER, LARGEST_NUMBER)
    if not len(present):
        return 0.0, 0.0
    center = float(np.median(present))
    if (width := _quartile_distance(present)) > _SMALLEST_WIDTH:
        return center, 1.0 / width
    others = present[present != center]
    away = float(np.median(np.abs(others - center))) if len(others) else 0.0
    if (width := _quartile_distance(others)) > max(_SMALLEST_WIDTH, _ROUNDING * away):
        return center, 1.0 / max(width, away)
    width = float(np.ptp(present))
    return center, 2.0 / width if width > _SMALLEST_WIDTH else 0.0


def _quartile_distance(values: NDArray[np.float64]) -> float:
    low, high = np.quantile(values, (0.25, 0.75)) if len(values) else (0.0, 0.0)
    return float(high - low)


def _fit(values: pd.Series, profile: ColumnProfile, num_knots: int) -> TableColumn | None:
    name = profile.name
    if profile.kind is ColumnKind.BOOLEAN:
        return BooleanColumn(name)
    if profile.kind is ColumnKind.NUMBER:
        numbers = as_number(values)
        return _number_column(name, numbers, bool(np.isnan(numbers).any()), num_knots)
    if profile.kind is ColumnKind.DATE:
        seconds = as_epoch_seconds(values, profile.date_format)
        flag = bool(np.isnan(seconds).any())
        parts = _varying_parts(seconds)
        layout = DateColumn(name, profile.date_format, parts, (), (), flag)
        return _date_column(layout, seconds, num_knots) if parts or flag else None
    if profile.kind is ColumnKind.CATEGORY:
        levels = _levels(as_text(values))
        return CategoryColumn(name, levels, len(levels) <= MAX_ONE_HOT_LEVELS) if levels else None
    raise ValueError(f"Column {name} is kept although it is {profile.kind}. Expected a number, category or date.")


def _refit(values: pd.Series, column: TableColumn, num_knots: int) -> TableColumn:
    if isinstance(column, BooleanColumn):
        return column
    if isinstance(column, NumberColumn):
        return _number_column(column.name, as_number(values), column.flag, num_knots)
    if isinstance(column, DateColumn):
        return _date_column(column, as_epoch_seconds(values, column.date_format), num_knots)
    learned = set(_levels(as_text(values)))
    unlearned = tuple(code for code, level in enumerate(column.levels, 1) if level not in learned)
    return CategoryColumn(column.name, column.levels, column.one_hot, unlearned)


def _number_column(name: str, numbers: NDArray[np.float64], flag: bool, num_knots: int) -> NumberColumn:
    center, scale = robust_scale(numbers)
    return NumberColumn(name, center, scale, flag, _knots(numbers, center, scale, num_knots))


def _date_column(layout: DateColumn, seconds: NDArray[np.float64], num_knots: int) -> DateColumn:
    present = date_parts(seconds[~np.isnan(seconds)])
    values = [present[part] for part in layout.scaled_parts]
    scaled = [robust_scale(each) for each in values]
    pairs = zip(values, scaled, strict=True)
    return replace(
        layout,
        centers=tuple(center for center, _ in scaled),
        scales=tuple(scale for _, scale in scaled),
        knots=tuple(_knots(each, *scaling, num_knots) for each, scaling in pairs) if num_knots else (),
    )


def _knots(values: NDArray[np.float64], center: float, scale: float, num_knots: int) -> tuple[float, ...]:
    if not (num_knots and scale):
        return ()
    present = np.clip(values[~np.isnan(values)], -LARGEST_NUMBER, LARGEST_NUMBER)
    return fit_knots(np.asarray(shift(present, center, scale, np)), num_knots)


def _varying_parts(seconds: NDArray[np.float64]) -> tuple[str, ...]:
    parts = date_parts(seconds[~np.isnan(seconds)])
    return tuple(name for name in DATE_PARTS if len(parts[name]) and np.ptp(parts[name]) > 0)


def _levels(texts: NDArray[np.object_]) -> tuple[str, ...]:
    codes, levels = pd.factorize(texts)
    counts = np.bincount(codes, minlength=len(levels))
    frequent = [(-count, level) for count, level in zip(counts, levels, strict=True) if count >= MIN_LEVEL_ROWS]
    return tuple(level for _, level in sorted(frequent)[:MAX_LEVELS])


def _number_plan(columns: tuple[NumberLike, ...], num_knots: int) -> NumberPlan:
    dates = [index for index, column in enumerate(columns) if isinstance(column, DateColumn)]
    scaled: list[_Feature] = []
    plain: list[_Feature] = []
    for index, column in enumerate(columns):
        if isinstance(column, NumberColumn):
            scaled.append(_Feature(index, index, column.center, column.scale, column.knots))
        elif isinstance(column, BooleanColumn):
            plain.append(_Feature(index, index, center=0.5, scale=2.0))
        else:
            first = len(columns) + dates.index(index)
            at = {part: first + block * len(dates) for block, part in enumerate(DATE_PARTS)}
            knots = column.knots or ((),) * len(column.centers)
            learned = zip(column.scaled_parts, column.centers, column.scales, knots, strict=True)
            scaled += [_Feature(at[part], index, center, scale, row) for part, center, scale, row in learned]
            plain += [_Feature(at[part], index, 0.0, 1.0) for part in column.parts if part not in SCALED_DATE_PARTS]
    flagged = [index for index, column in enumerate(columns) if not isinstance(column, BooleanColumn) and column.flag]
    return NumberPlan(
        dates=_integers(dates),
        scaled=_integers([feature.candidate for feature in scaled]),
        center=np.array([feature.center for feature in scaled], np.float64),
        scale=np.array([feature.scale for feature in scaled], np.float64),
        plain=_integers([feature.candidate for feature in plain]),
        plain_center=np.array([feature.center for feature in plain], np.float64),
        plain_scale=np.array([feature.scale for feature in plain], np.float64),
        origin=_integers([feature.origin for feature in (*scaled, *plain)]),
        flagged=_integers(flagged),
        knots=knot_table([feature.knots for feature in scaled], num_knots),
        scores=score_table(num_knots),
    )


def _category_plan(columns: tuple[CategoryColumn, ...]) -> CategoryPlan:
    tables = [np.arange(len(column.levels) + 1) for column in columns]
    for table, column in zip(tables, columns, strict=True):
        table[list(column.unlearned)] = 0
    ends = np.cumsum([0, *(len(table) for table in tables)])
    flags = [
        (index, code) for index, table in enumerate(tables) if columns[index].one_hot for code in range(1, len(table))
    ]
    return CategoryPlan(
        known=np.concatenate([_integers([]), *tables]),
        offsets=ends[:-1].astype(np.int64),
        flag_columns=_integers([index for index, _ in flags]),
        flag_levels=_integers([code for _, code in flags]),
        coded=_integers([index for index, column in enumerate(columns) if not column.one_hot]),
    )


def _read(column: TableColumn, values: pd.Series) -> NDArray[Any]:
    if isinstance(column, NumberColumn):
        return as_number(values)
    if isinstance(column, BooleanColumn):
        return as_truth(values)
    return as_epoch_seconds(values, column.date_format) if isinstance(column, DateColumn) else as_text(values)


def _codes(column: CategoryColumn, texts: NDArray[Any]) -> NDArray[np.int64]:
    return pd.Index(column.levels, dtype=object).get_indexer(pd.Index(texts, dtype=object)).astype(np.int64) + 1


def _stack(columns: list[NDArray[Any]], rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0), dtype)


def _integers(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _column(values: Mapping[str, Any]) -> TableColumn:
    fields: dict[str, Any] = {key: _as_tuples(value) for key, value in values.items()}
    column_type: Callable[..., TableColumn] = _TYPES[fields.pop("type")]
    return column_type(**fields)


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value
