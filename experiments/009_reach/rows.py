"""The rows of a job in the shapes that scikit-learn and Keras take, the same for all systems but the project's own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from job import Job
from numpy.typing import NDArray
from sklearn.preprocessing import OrdinalEncoder

Array = NDArray[Any]
UNKNOWN = -1


@dataclass(frozen=True)
class Rows:
    """Features as frames (categories as texts, the numbers as they are), targets as class codes or values `(rows,)`."""

    x: pd.DataFrame
    y: Array
    x_test: pd.DataFrame


@dataclass(frozen=True)
class Part:
    """Rows to learn from, and rows held out that judge."""

    x: Array
    y: Array
    x_held: Array
    y_held: Array


def read_rows(job: Job) -> Rows:
    """Read the training and the test rows."""
    train = pd.read_parquet(job.train)
    return Rows(_features(job, train), encode_target(job.classes, train[job.target]), _features(job, job.test))


def _features(job: Job, source: pd.DataFrame | str) -> pd.DataFrame:
    frame = pd.read_parquet(source) if isinstance(source, str) else source
    texts = frame[list(job.categorical)].astype("string").fillna("missing").astype(object)
    return pd.concat([texts, frame[list(job.numeric)].astype(np.float64)], axis=1)


def encode_target(classes: tuple[Any, ...], target: pd.Series) -> Array:
    """Return the codes of the classes, or the values where there are none."""
    if not classes:
        return target.to_numpy(np.float64)
    codes = pd.Index(classes).get_indexer(target)
    assert (codes >= 0).all(), "the rows hold a class that the training rows do not"
    return np.asarray(codes)


def encode_for_trees(job: Job, rows: Rows) -> tuple[Array, Array]:
    """Return training and test features with categories as codes, which stand first."""
    texts = list(job.categorical)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=UNKNOWN)
    x, x_test = rows.x.copy(), rows.x_test.copy()
    if texts:
        x[texts] = encoder.fit_transform(rows.x[texts])
        x_test[texts] = encoder.transform(rows.x_test[texts])
    return x.to_numpy(np.float64), x_test.to_numpy(np.float64)


def hold_out(job: Job, y: Array, share: float) -> tuple[Array, Array]:
    """Return row numbers to learn from and to judge by; the same share of each class, none of one with few rows."""
    order = np.random.default_rng(job.seed).permutation(len(y))
    groups = [order[y[order] == code] for code in range(len(job.classes))] if job.classes else [order]
    held = np.concatenate([group[: int(share * len(group))] for group in groups])
    return np.setdiff1d(order, held), held
