"""scikit-learn's random forest with default settings, and as many trees as the time allows, up to 300."""

import time

from job import Fitted, Job
from rows import encode_for_trees, read_rows
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from systems.hist_gradient_boosting import predict

STEP, MOST_TREES = 10, 300


def fit(job: Job) -> Fitted:
    """Add trees, all of them on all rows."""
    rows = read_rows(job)
    x, x_test = encode_for_trees(job, rows)
    make = RandomForestClassifier if job.classes else RandomForestRegressor
    model = make(n_estimators=0, warm_start=True, n_jobs=-1, random_state=job.seed)
    slowest = 0.0
    while model.n_estimators < MOST_TREES and job.left > 1.2 * slowest:
        begun = time.monotonic()
        model.set_params(n_estimators=model.n_estimators + STEP).fit(x, rows.y)
        slowest = max(slowest, time.monotonic() - begun)
    return Fitted(lambda: predict(model, x_test), {"trees": model.n_estimators})
