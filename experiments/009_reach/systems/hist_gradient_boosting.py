"""scikit-learn's HistGradientBoosting: default settings, categories as such, early stopping on a tenth of the rows."""

import time

import numpy as np
from job import Fitted, Job
from rows import Array, Part, encode_for_trees, hold_out, read_rows
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

Booster = HistGradientBoostingClassifier | HistGradientBoostingRegressor
Settings = dict[str, float | int]
HELD_OUT = 0.1
FIRST_TREES, MOST_ITERATIONS = 20, 1_000


def fit(job: Job) -> Fitted:
    """Fit once."""
    rows = read_rows(job)
    x, x_test = encode_for_trees(job, rows)
    learn, held = hold_out(job, rows.y, HELD_OUT)
    model = make_booster(job, {})
    boost(model, Part(x[learn], rows.y[learn], x[held], rows.y[held]), job.end)
    return Fitted(lambda: predict(model, x_test), {"iterations": model.n_iter_})


def make_booster(job: Job, settings: Settings) -> Booster:
    """Return an unfitted model that can go on where it stopped."""
    make = HistGradientBoostingClassifier if job.classes else HistGradientBoostingRegressor
    categories = list(range(len(job.categorical)))
    model: Booster = make(warm_start=True, random_state=job.seed, categorical_features=categories)
    return model.set_params(**settings)


def boost(model: Booster, part: Part, deadline: float) -> float:
    """Fit until the rows held out say stop, the iterations are many, or the deadline is near; return the seconds.

    It goes in steps since an iteration has a tree for each class, and nothing can interrupt a fit.
    """
    classes = len(np.unique(part.y)) if hasattr(model, "predict_proba") else 1
    started, most = time.monotonic(), max(1, FIRST_TREES // classes)
    while True:
        begun, done = time.monotonic(), getattr(model, "n_iter_", 0)
        model.set_params(max_iter=most, early_stopping=True)
        model.fit(part.x, part.y, X_val=part.x_held, y_val=part.y_held)
        now = time.monotonic()
        affordable = int(0.8 * (deadline - now) * (model.n_iter_ - done) / (now - begun))
        if model.n_iter_ < most or most == MOST_ITERATIONS or affordable < 1:
            return now - started
        most = min(2 * most, most + affordable, MOST_ITERATIONS)


def predict(model: Booster, x: Array) -> Array:
    """Return probabilities, or values of a regression."""
    given: Array = model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)
    return given
