"""Rows as a model gets them: learned from the training rows once, applied alike in training and in the model file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode_arrays import ArrayEncoding, ScaledArray, TokenArray, fit_array, refit_array
from autokeras_lite.data.encode_table import TableEncoding, fit_table, refit_table
from autokeras_lite.data.profile import DataProfile
from autokeras_lite.errors import ArtifactError, DataError

RESERVED_NAMES = ("encoding", "network", "prediction")  # the layers of a model file beside its inputs

_BLOCK_ROWS = 65_536

Inputs = pd.DataFrame | NDArray[Any]
_Content = TableEncoding | ArrayEncoding


@dataclass(frozen=True)
class Encoding:
    """How rows become the arrays of a model, learned from training rows."""

    kind: InputKind
    content: TableEncoding | ScaledArray | TokenArray

    @property
    def inputs(self) -> InputSpec:
        """What a model gets."""
        return self.content.inputs

    @cached_property
    def raw_names(self) -> dict[str, str]:
        """The name of the model file's input for each source column that it takes, or for the one array.

        It is the name of the column, unless Keras or the model file cannot have an input of that name.
        """
        if not isinstance(self.content, TableEncoding):
            return {self.content.raw.name: self.content.raw.name}
        names: dict[str, str] = {}
        for column in self.content.columns:
            names[column.name] = _free_name(column.name, {*RESERVED_NAMES, *names.values()})
        return names

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that a reader of files should leave as texts, so that a code like 007 stays what it is."""
        if not isinstance(self.content, TableEncoding):
            return ()
        return tuple(column.name for column in self.content.category_columns)

    def encode(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """Return the arrays of `inputs` for a frame or an array of rows; every value is finite.

        Raises:
            ArtifactError: columns are missing, or an array has another shape than the one that was learned from.
        """
        rows = _checked(self, inputs)
        pieces = [self.content.encode(_read(self.content, block)) for block in _blocks(rows)]
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return {"kind": str(self.kind), "content": self.content.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the encoding that `to_json` wrote."""
        kind = InputKind(values["kind"])
        if kind is InputKind.TABLE:
            return cls(kind, TableEncoding.from_json(values["content"]))
        if kind is InputKind.TOKENS:
            return cls(kind, TokenArray.from_json(values["content"]))
        return cls(kind, ScaledArray.from_json(values["content"]))


def fit_encoding(
    dataset: Dataset,
    profile: DataProfile,
    rows: NDArray[np.int64],
    *,
    layout: Encoding | None = None,
    quantiles: bool = False,
) -> Encoding:
    """Learn the encoding of a dataset from `rows` of it alone; with `quantiles`, for models that may take that array.

    With `layout`, an encoding of more rows of the same dataset, the result has the same structure (`inputs`), so that
    the folds of a cross-validation share one model; what the layout knows and `rows` do not show reads as unseen, and
    `quantiles` are learned if the layout has them.

    Raises:
        DataError: no column tells anything.
    """
    content = _fit(dataset, profile, rows, quantiles) if layout is None else _refit(dataset, rows, layout.content)
    if not content.inputs.arrays:
        raise DataError(
            "The table has no column that a model could learn from: all are constant, empty, identifiers or free text. "
            "Add a column of numbers, categories or dates."
        )
    return Encoding(dataset.kind, content)


def raw_inputs(encoding: Encoding, inputs: Inputs) -> dict[str, NDArray[Any]]:
    """Return what the model file takes for a frame or an array of rows.

    A table gives one entry `(rows, 1)` for each column of `encoding.raw_names`: text for a category (missing: the
    empty text), else float64 (missing: NaN), where a truth value is 0 or 1 and a date is in seconds since 1970. Other
    columns and the order of columns do not matter. An array gives itself.

    Raises:
        ArtifactError: columns are missing, or an array has another shape than the one that was learned from.
    """
    read = _read(encoding.content, _checked(encoding, inputs))
    if not isinstance(encoding.content, TableEncoding):
        return read
    return {encoding.raw_names[name]: values.reshape(-1, 1) for name, values in read.items()}


def _fit(dataset: Dataset, profile: DataProfile, rows: NDArray[np.int64], quantiles: bool) -> _Content:
    if dataset.kind is InputKind.TABLE:
        return fit_table(_named(dataset.frame.iloc[rows]), profile.columns, quantiles=quantiles)
    return fit_array(dataset.array, dataset.kind, rows)


def _refit(dataset: Dataset, rows: NDArray[np.int64], layout: _Content) -> _Content:
    if isinstance(layout, TableEncoding):
        return refit_table(_named(dataset.frame.iloc[rows]), layout)
    return refit_array(dataset.array, layout, rows)


def _read(content: _Content, rows: Inputs) -> dict[str, NDArray[Any]]:
    if isinstance(content, TableEncoding):
        assert isinstance(rows, pd.DataFrame)
        return content.read(rows)
    assert isinstance(rows, np.ndarray)
    return content.read(rows)


def _blocks(rows: Inputs) -> Iterator[Inputs]:
    for start in range(0, max(len(rows), 1), _BLOCK_ROWS):
        chosen = slice(start, start + _BLOCK_ROWS)
        yield rows.iloc[chosen] if isinstance(rows, pd.DataFrame) else rows[chosen]


def _checked(encoding: Encoding, inputs: Inputs) -> Inputs:
    if isinstance(encoding.content, TableEncoding):
        return _checked_frame(encoding.content, inputs)
    return _checked_array(encoding.kind, encoding.content, inputs)


def _checked_frame(content: TableEncoding, inputs: Inputs) -> pd.DataFrame:
    frame = _named(inputs if isinstance(inputs, pd.DataFrame) else _frame_of(content, inputs))
    wanted = [column.name for column in content.columns]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise ArtifactError(
            f"The data lack {len(missing)} of the {len(wanted)} columns that the model takes: {', '.join(missing)}. "
            "Add them, or name the columns as in the training data."
        )
    chosen = frame.loc[:, wanted]
    if len(chosen.columns) > len(wanted):
        twice = sorted({str(name) for name in chosen.columns[chosen.columns.duplicated()]})
        raise ArtifactError(
            f"The data have more than one column named {', '.join(twice)}. Expected each name once. Rename the others."
        )
    return chosen


def _frame_of(content: TableEncoding, array: NDArray[Any]) -> pd.DataFrame:
    expected = len(content.source_columns)
    if array.ndim != 2 or array.shape[1] != expected:
        raise ArtifactError(
            f"An array of shape {array.shape} was given. Expected (rows, {expected}), the columns of the training "
            "data in their order. Give such an array, or a DataFrame with named columns."
        )
    return pd.DataFrame(array, columns=list(content.source_columns))


def _checked_array(kind: InputKind, content: ArrayEncoding, inputs: Inputs) -> NDArray[Any]:
    expected = f"an array (rows, {', '.join(str(size) for size in content.shape)}) of numbers"
    if isinstance(inputs, pd.DataFrame):
        raise ArtifactError(f"A table was given. Expected {expected}. Give the {kind} data as an array.")
    numeric = np.issubdtype(inputs.dtype, np.number) and not np.issubdtype(inputs.dtype, np.complexfloating)
    if not (numeric or inputs.dtype == bool):
        raise ArtifactError(f"An array of {inputs.dtype} was given. Expected {expected}. Convert it to numbers.")
    if inputs.shape[1:] == content.shape:
        return inputs
    if (*inputs.shape[1:], 1) == content.shape:  # one channel that nobody wrote
        return inputs[..., np.newaxis]
    raise ArtifactError(f"An array of shape {inputs.shape} was given. Expected {expected}. Reshape or resize it.")


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis([str(name) for name in frame.columns], axis=1)


def _free_name(name: str, taken: set[str]) -> str:
    free = name.replace("/", "_") or "column"
    while free in taken:
        free += "_"
    return free
