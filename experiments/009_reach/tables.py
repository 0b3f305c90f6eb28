"""The public tables, written down once as files that all systems read."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from job import Job
from numpy.typing import NDArray
from rows import encode_target
from sklearn.model_selection import train_test_split

SHARED = Path(os.environ.get("PUBLIC_TABLES") or Path(__file__).resolve().parents[3] / "shared" / "data")
METRICS = MappingProxyType(
    {
        "adult": "roc_auc",
        "california_housing": "rmse",
        "diamonds": "rmse",
        "connect4": "log_loss",
        "credit_g": "roc_auc",
        "kddcup99_10pct": "balanced_accuracy",
    }
)


@dataclass(frozen=True)
class Table:
    """A table on disk, and the targets of its test rows, which no system sees."""

    name: str
    target: str
    task: str
    metric: str
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    classes: tuple[Any, ...]
    folder: Path
    truth: NDArray[Any]

    def ask(self, system: str, seed: int, seconds: float, folder: Path, started: float) -> Job:
        """Return the job of one run."""
        return Job(
            system, self.name, self.target, self.task, self.metric, self.categorical, self.numeric, self.classes,
            str(self.folder / "train.parquet"), str(self.folder / "test.parquet"), str(folder), seconds, seed, started,
        )  # fmt: skip


def write_table(name: str, folder: Path, split: int = 0) -> Table:
    """Write the official training rows, and the test rows without their target.

    A `split` from 1 on divides the same rows in another way, into as many of each; the classes keep their shares.
    """
    loaded = _loader().load(name)
    if split > 0:
        loaded |= _divide(loaded, split)
    facts, y = loaded["meta"], loaded["y_train"]
    assert facts["metric"] == METRICS[name]
    is_regression = facts["task"] == "regression"
    classes = () if is_regression else tuple(sorted(y.unique().tolist()))
    folder.mkdir(parents=True)
    loaded["x_train"].assign(**{facts["target"]: y}).to_parquet(folder / "train.parquet", index=False)
    loaded["x_test"].to_parquet(folder / "test.parquet", index=False)
    return Table(
        name, facts["target"], facts["task"], facts["metric"], tuple(facts["categorical"]), tuple(facts["numeric"]),
        classes, folder, encode_target(classes, pd.Series(loaded["y_test"])),
    )  # fmt: skip


def _divide(loaded: dict[str, Any], split: int) -> dict[str, Any]:
    x, y = (pd.concat([loaded[f"{part}_train"], loaded[f"{part}_test"]], ignore_index=True) for part in "xy")
    classes = None if loaded["meta"]["task"] == "regression" else y
    learned, judging = train_test_split(
        range(len(y)), test_size=len(loaded["y_test"]), stratify=classes, random_state=split
    )
    return {
        "x_train": x.iloc[learned],
        "y_train": y.iloc[learned],
        "x_test": x.iloc[judging],
        "y_test": y.iloc[judging],
    }


def _loader() -> Any:
    spec = importlib.util.spec_from_file_location("shared_data", SHARED / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
