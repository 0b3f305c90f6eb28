"""All trials of a search in order, as a frame."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.trial import TrialOutcome, TrialSpec, TrialStatus

COLUMNS = (
    "rank", "trial", "status", "score", "family", "space", "origin", "best_epoch", "epochs", "seconds", "parameters",
    "cause", "message", "attempts",
)  # fmt: skip
FAILURE_COLUMNS = ("trial", "cause", "message", "attempts", "traceback")
TRACEBACK_FILE = "traceback.txt"


def make_leaderboard(trials: Sequence[tuple[TrialSpec, TrialOutcome]], direction: str) -> pd.DataFrame:
    """Return one row for each trial, best first, failed ones last; after `COLUMNS` follow the values of the configs."""
    rows = [_row(rank, spec, outcome) for rank, (spec, outcome) in enumerate(rank_trials(trials, direction), start=1)]
    frame = pd.DataFrame(rows)
    first = list(COLUMNS)
    return frame.reindex(columns=[*first, *(name for name in frame if name not in first)])


def rank_trials(
    trials: Sequence[tuple[TrialSpec, TrialOutcome]], direction: str
) -> list[tuple[TrialSpec, TrialOutcome]]:
    """Return the trials, best first; those without a score come last, and of equal ones the first by number leads."""
    sign = -1.0 if direction == "maximize" else 1.0
    return sorted(trials, key=lambda pair: _order(pair[1], sign))


def make_failures(trials: Sequence[tuple[TrialSpec, TrialOutcome]], folder: SearchFolder) -> pd.DataFrame:
    """Return one row for each trial that failed, in the order of the trials."""
    rows = [
        {
            "trial": outcome.number,
            "cause": str(outcome.cause),
            "message": (outcome.message.splitlines() or [""])[0],
            "attempts": 1 + len(outcome.earlier),
            "traceback": str(file) if (file := folder.trial(outcome.number) / TRACEBACK_FILE).exists() else "",
        }
        for _, outcome in trials
        if outcome.status is TrialStatus.FAILED
    ]
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))


def _order(outcome: TrialOutcome, sign: float) -> tuple[bool, float, int]:
    return outcome.score is None, sign * (outcome.score or 0.0), outcome.number


def _row(rank: int, spec: TrialSpec, outcome: TrialOutcome) -> dict[str, Any]:
    training = asdict(spec.training)
    training["schedule_epochs"] = training.pop("epochs")  # `epochs` counts those that were trained
    return {
        "rank": rank,
        "trial": spec.number,
        "status": str(outcome.status),
        "score": outcome.score,
        "family": spec.family,
        "space": spec.space,
        "origin": spec.origin,
        "best_epoch": outcome.best_epoch,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 2),
        "parameters": outcome.parameters,
        "cause": str(outcome.cause),
        "message": outcome.message,
        "attempts": 1 + len(outcome.earlier),
        **flatten_config(spec.config),
        **training,
    }


def flatten_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config without nesting: `stack` of several layers becomes `stack.0.units` and so on.

    Example:
        >>> flatten_config({"width": 64, "stack": [{"kind": "Dense", "units": 8}]})
        {'width': 64, 'stack.0.kind': 'Dense', 'stack.0.units': 8}
    """
    flat: dict[str, Any] = {}
    for name, value in config.items():
        nested = dict(enumerate(value)) if isinstance(value, list | tuple) else value
        if isinstance(nested, Mapping):
            inner = flatten_config({str(key): item for key, item in nested.items()})
            flat |= {f"{name}.{key}": item for key, item in inner.items()}
        else:
            flat[name] = value
    return flat
