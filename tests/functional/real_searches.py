"""Real and made data of every kind, each with a small search over it: what the functional tests share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

import autokeras_lite as akl

SPACES = Path(__file__).parent / "spaces"
ADULT = Path(__file__).parents[2] / "experiments" / "data" / "adult.parquet"


@dataclass(frozen=True)
class Case:
    """A search and its bar.

    The validation score of the network must reach `floor` and, against the linear baseline, `over_linear`: how much
    better (or, below zero, how much worse at most) it is, always counted so that more is better.
    """

    make: Callable[[], tuple[Any, str | list[str] | None]]
    space: str
    metric: str
    floor: float
    over_linear: float
    task: str
    trials: int = 4
    units: int = 1
    options: dict[str, Any] = field(default_factory=dict)


def small_space(name: str) -> str:
    return str(SPACES / f"small_{name}.toml")


def breast_cancer() -> tuple[pd.DataFrame, str]:
    frame = load_breast_cancer(as_frame=True).frame
    return frame.assign(target=frame["target"].map({0: "malignant", 1: "benign"})), "target"


def wine() -> tuple[pd.DataFrame, str]:
    return load_wine(as_frame=True).frame, "target"


def diabetes() -> tuple[pd.DataFrame, str]:
    return load_diabetes(as_frame=True).frame, "target"


def adult() -> tuple[pd.DataFrame, str]:
    return pd.read_parquet(ADULT).sample(4000, random_state=0).reset_index(drop=True), "income"


def digit_images() -> tuple[tuple[Any, Any], None]:
    digits = load_digits()
    return ((digits.images[..., None] / 16).astype("float32"), digits.target), None


def digit_sequences() -> tuple[tuple[Any, Any], None]:
    digits = load_digits()
    return ((digits.images / 16).astype("float32"), digits.target), None


def tokens() -> tuple[tuple[Any, Any], None]:
    """Token 1 stands before token 2, or after it: how often each token occurs says nothing."""
    rng = np.random.default_rng(0)
    x = rng.integers(3, 300, size=(800, 12))
    places = np.sort(np.argsort(rng.random((800, 12)), axis=1)[:, :2], axis=1)
    y = rng.integers(0, 2, 800)
    rows = np.arange(800)
    x[rows, places[:, 0]] = 1 + y
    x[rows, places[:, 1]] = 2 - y
    return (x, np.where(y == 0, "before", "after")), None


def several_labels() -> tuple[pd.DataFrame, list[str]]:
    """Each label is the sign of a product, which no linear model sees."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(1200, 4)), columns=list("abcd"))
    frame["both"] = (frame["a"] * frame["b"] > 0).astype(int)
    frame["other"] = (frame["c"] * frame["d"] > 0).astype(int)
    return frame, ["both", "other"]


def several_values() -> tuple[pd.DataFrame, list[str]]:
    """Two values of different sizes, neither of them linear in the columns."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(800, 3)), columns=list("abc"))
    frame["near"] = frame["a"] * frame["b"] + 0.1 * rng.normal(size=800)
    frame["far"] = 1000 + 100 * frame["c"].abs() + 5 * rng.normal(size=800)
    return frame, ["near", "far"]


CASES = {
    "breast_cancer": Case(breast_cancer, small_space("table"), "roc_auc", 0.98, -0.01, "binary", units=2),
    "wine": Case(wine, small_space("table"), "accuracy", 0.94, -0.03, "multiclass", units=3),
    "diabetes": Case(diabetes, small_space("table"), "r2", 0.35, -0.05, "regression"),
    "adult": Case(adult, small_space("table"), "roc_auc", 0.88, -0.01, "binary", units=2),
    "digit_images": Case(digit_images, small_space("images"), "accuracy", 0.98, 0.005, "multiclass", 3, 10),
    "digit_sequences": Case(digit_sequences, small_space("sequences"), "accuracy", 0.97, 0.0, "multiclass", 2, 10),
    "tokens": Case(tokens, small_space("tokens"), "accuracy", 0.9, 0.3, "binary", 2, 2),
    "several_labels": Case(
        several_labels, small_space("table"), "roc_auc", 0.9, 0.3, "multilabel", units=2, options={"task": "multilabel"}
    ),
    "several_values": Case(several_values, small_space("table"), "r2", 0.8, 0.3, "regression", units=2),
}


def search_case(name: str, runs_dir: Path) -> akl.SearchResult:
    """Run the search of a case."""
    case = CASES[name]
    data, target = case.make()
    return akl.search(
        data,
        target,
        name=name,
        space=case.space,
        metric=case.metric,
        trials=case.trials,
        runs_dir=str(runs_dir),
        workers=2,
        validation=0.2,
        report="off",
        **case.options,
    )
