"""Small real tables for learning portfolios: parts of public ones, with other targets and columns, and scikit-learn's.

Of public tables with official test rows only training rows are read, and of those none is used that a search of
`experiments/009_reach` could be scored on.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from sklearn import datasets

SHARED = Path(__file__).parents[3] / "shared" / "data"
ROWS = 1_900, 1_300  # two tables have as many as the first, the next two as the second
JUDGING = 0.4


@dataclass(frozen=True)
class Draw:
    """Rows of a source: what is predicted from which columns (all others, if none are named)."""

    source: str
    target: str
    columns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


DRAWS: Mapping[str, Draw] = MappingProxyType(
    {
        "adult income": Draw("adult", "income"),
        "adult income, numbers": Draw(
            "adult", "income", ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
        ),
        "adult hours": Draw("adult", "hours_per_week"),
        "adult marriage": Draw("adult", "marital_status", without=("relationship",)),
        "adult age": Draw("adult", "age"),
        "california value": Draw("california_housing", "median_house_value"),
        "california value, no place": Draw(
            "california_housing", "median_house_value", without=("latitude", "longitude")
        ),
        "california income": Draw("california_housing", "median_income"),
        "california latitude": Draw("california_housing", "latitude", without=("longitude",)),
        "diamonds price": Draw("diamonds", "price"),
        "diamonds cut": Draw("diamonds", "cut"),
        "diamonds color": Draw("diamonds", "color"),
        "diamonds depth": Draw("diamonds", "depth", without=("x", "y", "z")),
        "credit class": Draw("credit_g", "class"),
        "credit amount": Draw("credit_g", "credit_amount"),
        "credit duration": Draw("credit_g", "duration"),
        "cancer": Draw("load_breast_cancer", "target"),
        "wine": Draw("load_wine", "target"),
        "diabetes": Draw("load_diabetes", "target"),
        "cancer radius": Draw(
            "load_breast_cancer", "mean radius", ("worst texture", "mean smoothness", "mean symmetry")
        ),
    }
)


def read_draw(name: str, seed: int = 0) -> tuple[pd.DataFrame, str, int]:
    """Return rows in a random order, the target, and how many of them judge (the last ones)."""
    draw = DRAWS[name]
    frame = _read_source(draw.source)
    columns = [c for c in draw.columns or frame.columns if c not in (*draw.without, draw.target)]
    frame = frame[[*columns, draw.target]].dropna(subset=[draw.target])
    rows = ROWS[list(DRAWS).index(name) // 2 % 2]
    order = np.random.default_rng([seed, *map(ord, name)]).permutation(len(frame))[:rows]
    judges = int(JUDGING * len(order))
    return frame.iloc[order].reset_index(drop=True), draw.target, judges


def _read_source(source: str) -> pd.DataFrame:
    if source.startswith("load_"):
        made = getattr(datasets, source)(as_frame=True).frame
        if source == "load_diabetes":
            return made
        return made.assign(target=made["target"].map("class {}".format))
    spec = importlib.util.spec_from_file_location("shared_data", SHARED / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.load(source)
    target = table["y_train"]
    return table["x_train"].assign(**{str(target.name or "target"): target.to_numpy()}).rename(columns=str)
