"""HistGradientBoosting after a random search on a holdout, then fitted on all rows with the best settings."""

import time
from dataclasses import dataclass

import numpy as np
from job import Fitted, Job
from rows import Part, encode_for_trees, hold_out, read_rows
from scoring import SIGNS, score
from systems.hist_gradient_boosting import Booster, Settings, boost, make_booster, predict

HELD_OUT = 0.2
MOST_CANDIDATES = 60  # more of them would only learn the rows held out by heart
SHARE_OF_ONE = 0.25  # of the time limit
ALL_ROWS = 1.5  # the fit on all rows takes so many times as long as that without the rows held out, with some room


@dataclass(frozen=True)
class Candidate:
    """Settings with what became of them; `gain` counts so that more is better."""

    settings: Settings
    model: Booster
    gain: float
    seconds: float


def fit(job: Job) -> Fitted:
    """Search for settings, then fit the best ones on all rows if there is time."""
    rows = read_rows(job)
    x, x_test = encode_for_trees(job, rows)
    learn, held = hold_out(job, rows.y, HELD_OUT)
    best, tried = search(job, Part(x[learn], rows.y[learn], x[held], rows.y[held]))
    model, whole = best.model, job.left > ALL_ROWS * best.seconds
    if whole:
        model = make_booster(job, best.settings)
        model.set_params(max_iter=best.model.n_iter_, early_stopping=False).fit(x, rows.y)
    notes = {"candidates": tried, "settings": best.settings, "iterations": model.n_iter_, "all_rows": whole}
    return Fitted(lambda: predict(model, x_test), notes)


def search(job: Job, part: Part) -> tuple[Candidate, int]:
    """Return the best candidate, and how many there were; the first has the default settings."""
    random = np.random.default_rng(job.seed)
    best = try_settings(job, {}, part, time.monotonic() + SHARE_OF_ONE * job.seconds)
    for tried in range(1, MOST_CANDIDATES):
        now, end = time.monotonic(), job.end - ALL_ROWS * best.seconds
        if end - now < 0.5 * best.seconds:
            return best, tried
        new = try_settings(job, draw(random), part, min(now + SHARE_OF_ONE * job.seconds, end))
        best = max(best, new, key=lambda candidate: candidate.gain)
    return best, MOST_CANDIDATES


def draw(random: np.random.Generator) -> Settings:
    """Draw settings around the defaults."""
    return {
        "learning_rate": float(10 ** random.uniform(-2, -0.5)),
        "max_leaf_nodes": int(2 ** random.uniform(3, 7)),
        "l2_regularization": float(10 ** random.uniform(-4, 1.5)),
    }


def try_settings(job: Job, settings: Settings, part: Part, deadline: float) -> Candidate:
    """Fit settings and score them on the rows held out, in the metric that counts."""
    model = make_booster(job, settings)
    seconds = boost(model, part, deadline)
    reached = SIGNS[job.metric] * score(job.metric, part.y_held, predict(model, part.x_held))
    return Candidate(settings, model, reached if np.isfinite(reached) else -np.inf, seconds)
