"""Texts made harmless for spreadsheets, which take what begins like a formula for one and carry it out."""

import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_TEXT_MARK = "'"


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    r"""Put an apostrophe before every text and every column name that a spreadsheet would take for a formula.

    Those begin with `=`, `+`, `-`, `@`, a tab or a line end. Columns of numbers, truths and dates stay as they are.

    Example:
        >>> without_formulas(pd.DataFrame({"=a": ["+1", "b"], "n": [-1, 2]})).to_csv(index=False)
        "'=a,n\n'+1,-1\nb,2\n"
    """
    columns = [_neutral(label) for label in frame.columns]
    cells = [_neutral_column(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return pd.concat(cells, axis=1).set_axis(columns, axis=1) if cells else frame


def _neutral_column(values: pd.Series) -> pd.Series:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _neutral_column(values.astype(dtype.categories.dtype))
    if dtype.kind == "O":  # texts, and anything that may be one
        return values.map(_neutral, na_action="ignore")
    return values


def _neutral(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"{_TEXT_MARK}{value}"
    return value
