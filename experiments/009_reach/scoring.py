"""One scorer for all systems."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score, root_mean_squared_error

SIGNS = {"roc_auc": 1, "balanced_accuracy": 1, "log_loss": -1, "rmse": -1}  # 1: higher is better


def score(metric: str, truth: NDArray[Any], given: NDArray[Any]) -> float:
    """Return how good predictions are.

    `truth` holds class codes or values `(rows,)`; `given` probabilities `(rows, classes)`, or values `(rows,)`.
    """
    if not np.isfinite(given).all():
        return float("nan")
    if metric == "rmse":
        return float(root_mean_squared_error(truth, given))
    shares = given.astype(np.float64) / given.sum(axis=1, keepdims=True, dtype=np.float64)
    if metric == "roc_auc":
        return float(roc_auc_score(truth, shares[:, 1]))
    if metric == "log_loss":
        return float(log_loss(truth, shares, labels=range(shares.shape[1])))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        return float(balanced_accuracy_score(truth, shares.argmax(axis=1)))
