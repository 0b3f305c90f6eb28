"""What a person gives, as a `Dataset`: a path, a frame, or a pair of inputs and targets."""

import difflib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.dates import parse_dates
from autokeras_lite.data.files import read_file
from autokeras_lite.data.frames import check_num_columns, listed, plain_column, plain_frame, shortened
from autokeras_lite.data.npz_file import Arrays
from autokeras_lite.errors import DataError

MIN_TOKEN_COLUMNS = 4
MIN_TOKEN_MAXIMUM = 2
MAX_NAME_LENGTH = 64

_RANKS = {3: InputKind.SEQUENCE, 4: InputKind.IMAGE}
_REASONS = {
    InputKind.TABLE: "a table: rows of columns",
    InputKind.SEQUENCE: "sequences: an array of rows x time x channels; give grey pictures a last axis of 1",
    InputKind.IMAGE: "images: an array of rows x height x width x channels",
    InputKind.TOKENS: "tokens: whole numbers from 0 up in rows x time; pass floats or a DataFrame for a table",
}

Table = pd.DataFrame | NDArray[np.generic]


@dataclass(frozen=True)
class _Loaded:
    inputs: Table
    kind: InputKind
    targets: pd.DataFrame | None
    source: str
    are_arrays: bool = False


def read_dataset(
    data: Any, columns: ColumnRoles, *, name: str, kind: InputKind | None = None, text_columns: Collection[str] = ()
) -> Dataset:
    """Read labelled rows from a path (.csv, .tsv, .parquet, .npz), a DataFrame, or a tuple `(x, y)`.

    The group and weight columns leave the inputs; the time column is also an input. `kind` says what arrays are, else
    their rank and values do. `text_columns` of a CSV stay texts: name the texts of the training rows to read more rows
    of the same table.

    Raises:
        DataError: the file cannot be read, a named column is missing, or inputs and targets do not fit together.

    Example:
        >>> dataset = read_dataset(([[1.0], [2.0]], [0, 1]), ColumnRoles(), name="toy")
        >>> list(dataset.frame), list(dataset.targets)
        (['x0'], ['target'])
    """
    _check_roles(columns)
    loaded = _load(data, kind, text_columns)
    targets = _take_targets(loaded, columns)
    _check_row_counts(loaded.inputs, targets)
    frame = loaded.inputs if isinstance(loaded.inputs, pd.DataFrame) else None
    return Dataset(
        name=name,
        kind=loaded.kind,
        kind_reason=_REASONS[loaded.kind],
        inputs=loaded.inputs if frame is None else _input_columns(frame, columns, loaded),
        targets=targets,
        weights=None if columns.weight is None else _weights(_role_column(frame, columns.weight, "weight")),
        groups=None if columns.group is None else _groups(_role_column(frame, columns.group, "group")),
        times=None if columns.time is None else _times(_role_column(frame, columns.time, "time")),
        source=loaded.source,
    )


def read_inputs(data: Any, *, kind: InputKind | None = None, text_columns: Collection[str] = ()) -> Table:
    """Read rows without targets from a path, a DataFrame or an array, in the form that `read_dataset` gives inputs.

    Every column is kept, also those that the model does not use. See `read_dataset` for `kind` and `text_columns`.

    Raises:
        DataError: the data cannot be read, or an array has no fitting shape.
    """
    pair = (data, None) if isinstance(data, np.ndarray | list) else data
    return _load(pair, kind, text_columns).inputs


def infer_name(data: Any, targets: Sequence[str]) -> str:
    """Return a name for a search: from the file, else from the first target, else `search`.

    Example:
        >>> infer_name("data/Sales 2024.csv", ("price",)), infer_name(None, ("price",))
        ('Sales-2024', 'price')
    """
    text = Path(data).stem if isinstance(data, str | PathLike) else next(iter(targets), "")
    plain = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", str(text)))
    return plain.lstrip("._-")[:MAX_NAME_LENGTH].rstrip("._-") or "search"


def require_columns(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    """Check that a frame has all these columns.

    Raises:
        DataError: one is missing; the text names the columns there are, and the likeliest one first.
    """
    labels = [str(label) for label in frame.columns]
    for name in names:
        if name not in labels:
            hint = _did_you_mean(name, labels)
            raise DataError(
                f"The {what} column {name[:60]!r} is not in the data.{hint} The columns are {listed(labels)}."
            )


def _did_you_mean(name: str, labels: list[str]) -> str:
    by_lower = {label.lower().strip(): label for label in labels}
    close = difflib.get_close_matches(name.lower().strip(), by_lower, n=1)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""


def _check_roles(columns: ColumnRoles) -> None:
    named = [*columns.targets, *(name for name in (columns.group, columns.time, columns.weight) if name is not None)]
    twice = [name for name, count in Counter(named).items() if count > 1]
    if twice:
        raise DataError(
            f"Column {twice[0]!r} was named for two roles. Expected one role (target, group, time, weight)."
        )


def _load(data: Any, kind: InputKind | None, text_columns: Collection[str]) -> _Loaded:
    if isinstance(data, str | PathLike):
        path = _expanded(data)
        content = read_file(path, text_columns)
        if isinstance(content, Arrays):
            return _load_pair(content.x, content.y, InputKind.TOKENS if content.are_tokens else kind, str(path))
        return _Loaded(plain_frame(content), InputKind.TABLE, None, str(path))
    if isinstance(data, pd.DataFrame):
        return _Loaded(plain_frame(data), InputKind.TABLE, None, "memory")
    if isinstance(data, tuple) and len(data) == 2:
        _check_alignment(*data)
        return _load_pair(data[0], data[1], kind, "memory")
    raise DataError(
        f"Data of type {type(data).__name__} were given. Expected a path, a pandas DataFrame or a tuple (x, y). "
        "Convert them, for example with .to_pandas() or numpy.asarray."
    )


def _expanded(path: str | PathLike[str]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(f"{str(path)[:120]!r} names a home that is not there. Expected a path. Check it.") from error


def _load_pair(x: Any, y: Any, kind: InputKind | None, source: str) -> _Loaded:
    targets = None if y is None else _target_frame(y)
    if isinstance(x, pd.DataFrame | pd.Series):
        return _Loaded(plain_frame(pd.DataFrame(x)), InputKind.TABLE, targets, source)
    array = _as_array(x, "x")
    chosen = kind or _infer_kind(array)
    _check_kind(array, chosen)
    if chosen is not InputKind.TABLE:
        return _Loaded(array, chosen, targets, source, are_arrays=True)
    check_num_columns("x", array.shape[1])
    names = [f"x{index}" for index in range(array.shape[1])]
    frame = plain_frame(pd.DataFrame(array, columns=names))
    return _Loaded(frame, chosen, targets, source, are_arrays=True)


def _as_array(values: Any, what: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"The rows of {what} differ in length. Expected one shape for all. Pad or cut them.") from error


def _infer_kind(array: NDArray[Any]) -> InputKind:
    if array.ndim != 2:
        return _RANKS.get(array.ndim, InputKind.TABLE)
    integers = np.issubdtype(array.dtype, np.integer) and array.size > 0
    if integers and array.shape[1] >= MIN_TOKEN_COLUMNS and array.min() >= 0 and array.max() >= MIN_TOKEN_MAXIMUM:
        return InputKind.TOKENS
    return InputKind.TABLE


def _check_kind(array: NDArray[Any], kind: InputKind) -> None:
    ranks = {InputKind.TABLE: 2, InputKind.TOKENS: 2, InputKind.SEQUENCE: 3, InputKind.IMAGE: 4}
    if array.ndim != ranks[kind]:
        raise DataError(
            f"x has the shape {array.shape}. Expected rows x columns, rows x time x channels or rows x height x "
            "width x channels. Reshape it, for example with x.reshape(len(x), -1)."
        )
    numeric = array.dtype.kind in "biuf"
    if kind is not InputKind.TABLE and not numeric:
        raise DataError(f"x of the shape {array.shape} has the type {array.dtype}. Expected numbers. Convert it first.")
    if kind is InputKind.TOKENS and (array.dtype.kind not in "iu" or (array.size and array.min() < 0)):
        raise DataError(f"The tokens are of type {array.dtype}. Expected whole numbers from 0 up. Store tables as x.")


def _target_frame(y: Any) -> pd.DataFrame:
    """Return targets `(rows, targets)` with the names they bring; without names, `target` or `y0`, `y1`, ..."""
    if isinstance(y, pd.DataFrame):
        frame = y
    elif isinstance(y, pd.Series):
        frame = y.to_frame("target" if y.name is None else str(y.name))
    else:
        array = _as_array(y, "y")
        if array.ndim not in {1, 2}:
            raise DataError(f"y has the shape {array.shape}. Expected (rows,) or (rows, targets). Reshape it.")
        flat = array.reshape(len(array), -1) if array.size else array.reshape(0, 1)
        check_num_columns("y", flat.shape[1])
        names = ["target"] if flat.shape[1] == 1 else [f"y{index}" for index in range(flat.shape[1])]
        frame = pd.DataFrame(flat, columns=names)
    return _plain_targets(frame)


def _plain_targets(frame: pd.DataFrame) -> pd.DataFrame:
    """Return plain columns; categories become what they stand for, so that predictions look like the labels given."""
    plain = plain_frame(frame)
    for index, label in enumerate(plain):
        if isinstance(plain[label].dtype, pd.CategoricalDtype):
            plain[label] = plain_column(frame.iloc[:, index].reset_index(drop=True).astype(object))
    return plain


def _take_targets(loaded: _Loaded, columns: ColumnRoles) -> pd.DataFrame:
    targets = loaded.targets
    if targets is None:
        return _targets_of_frame(loaded, columns)
    if not columns.targets or tuple(targets) == columns.targets:
        return targets
    if len(columns.targets) != targets.shape[1]:
        raise DataError(
            f"{len(columns.targets)} targets were named, and y has {targets.shape[1]} columns. Name each column of y, "
            "or none."
        )
    return targets.set_axis(pd.Index(columns.targets, dtype="str"), axis=1)


def _targets_of_frame(loaded: _Loaded, columns: ColumnRoles) -> pd.DataFrame:
    if not isinstance(loaded.inputs, pd.DataFrame) or loaded.are_arrays:
        raise DataError("Inputs came without targets. Expected an array y. Add y to the .npz file, or pass (x, y).")
    if not columns.targets:
        shown = listed([str(label) for label in loaded.inputs.columns])
        raise DataError(f"No target was named. Expected the column to predict. Give --target one of: {shown}.")
    require_columns(loaded.inputs, columns.targets, "target")
    return _plain_targets(loaded.inputs[list(columns.targets)])


def _check_row_counts(inputs: Table, targets: pd.DataFrame) -> None:
    if len(inputs) != len(targets):
        raise DataError(
            f"x has {len(inputs)} rows and y has {len(targets)}. Expected as many. Give both for the same rows."
        )
    if not len(targets):
        raise DataError("The data hold no rows. Expected labelled rows below the header. Check how they were written.")


def _check_alignment(x: Any, y: Any) -> None:
    """Refuse frames whose row labels are the same in another order: pairing them by place would mix up the labels."""
    if not (isinstance(x, pd.DataFrame | pd.Series) and isinstance(y, pd.DataFrame | pd.Series)):
        return
    if len(x) != len(y) or x.index.equals(y.index):
        return
    if x.index.is_unique and y.index.is_unique and x.index.isin(y.index).all():
        raise DataError("x and y have the same row labels in another order. Sort one like the other: y.loc[x.index].")


def _input_columns(frame: pd.DataFrame, columns: ColumnRoles, loaded: _Loaded) -> pd.DataFrame:
    taken = columns.reserved if loaded.targets is None else columns.reserved[len(columns.targets) :]
    rest = frame.drop(columns=[name for name in taken if name in frame])
    if rest.shape[1] == 0:
        raise DataError(
            "No input column is left beside the named ones. Expected at least one. Check the file's columns."
        )
    return rest


def _role_column(frame: pd.DataFrame | None, name: str, what: str) -> pd.Series:
    if frame is None:
        raise DataError(
            f"A {what} column {name!r} was named, and the inputs are an array. Pass a table, or leave it out."
        )
    require_columns(frame, (name,), what)
    missing = int(frame[name].isna().sum())
    if missing:
        raise DataError(
            f"The {what} column {name!r} is missing in {missing} rows. Expected a value in each. Fill or drop them."
        )
    return frame[name]


def _weights(values: pd.Series) -> NDArray[np.float32]:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    broken = int((~np.isfinite(numbers) | (numbers < 0)).sum())
    if broken or not numbers.any():
        what = f"{broken} values that are no weights" if broken else "only zeros"
        raise DataError(
            f"The weight column {values.name!r} holds {what}. Expected finite numbers from 0 up, not all 0."
        )
    return numbers.astype(np.float32)


def _groups(values: pd.Series) -> NDArray[np.generic]:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufM":
        return values.to_numpy()
    return np.asarray(values.astype(object).tolist(), dtype=np.str_)


def _times(values: pd.Series) -> NDArray[np.generic]:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy()
    dates = parse_dates(values.astype("str") if isinstance(values.dtype, pd.CategoricalDtype) else values)
    unread = int(dates.isna().sum())
    if unread:
        example = shortened(str(values[dates.isna()].iloc[0]))
        raise DataError(
            f"The time column {values.name!r} has {unread} values that are no dates, such as {example!r}. Correct them."
        )
    return dates.to_numpy()
