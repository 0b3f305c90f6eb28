"""Records of a search that never ran."""

from pathlib import Path
from typing import Any

from autokeras_lite.tracking.tracker import SearchEnd, SearchRecord, TrialEnd, TrialRecord, UsageReading, UsageReadings
from autokeras_lite.trial import Cause, Curve, TrainingConfig, TrialOutcome, TrialSpec

STARTED = 1_700_000_000.0
FINGERPRINT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
CONFIG = {"depth": 2, "widths": [64, 32], "dropout": 0.25}
STACK = {"stack": [{"kind": "Dense", "units": 64, "rate": 0.5}, {"kind": "Dropout", "rate": 0.1}]}


def search_record(name: str = "adult", **changes: Any) -> SearchRecord:
    values: dict[str, Any] = {
        "folder": Path("runs") / name,
        "metric": "roc_auc",
        "direction": "maximize",
        "params": {"task": "binary", "budget": {"seconds": 120.0, "trials": None}},
        "tags": {"version.keras": "3.15.1"},
        "data": {
            "name": "adult",
            "source": "adult.parquet",
            "rows": 100,
            "columns": 14,
            "targets": ["income"],
            "fingerprint": FINGERPRINT,
        },
        "started": STARTED,
    }
    return SearchRecord(name, **{**values, **changes})


def trial_record(number: int, config: dict[str, Any] | None = None, **changes: Any) -> TrialRecord:
    spec = TrialSpec(number, "quick", "tabular_mlp", config or CONFIG, TrainingConfig(epochs=3), 7, "tpe")
    values: dict[str, Any] = {"cohort": 4, "lane": 1, "recipe_names": frozenset({"dropout"})}
    return TrialRecord(spec, started=STARTED + number, **{**values, **changes})


def trial_end(number: int, cause: Cause = Cause.OK, **changes: Any) -> TrialEnd:
    failed = cause.status == "failed"
    values: dict[str, Any] = {
        "score": None if failed else 0.9,
        "fold_scores": () if failed else (0.88, 0.92),
        "best_epoch": 0 if failed else 2,
        "epochs": 3,
        "curve": Curve((0.7, 0.5, 0.4), (0.8, 0.6, 0.65), (0.8, 0.9, 0.85)),
        "seconds": 1.5,
        "parameters": 321,
        "lanes": 4,
        "device": "/CPU:0",
        "message": "loss became NaN in epoch 3" if failed else "",
    }
    return TrialEnd(TrialOutcome(number, cause, **{**values, **changes}), STARTED + number + 10)


def usage_readings(*steps: int) -> UsageReadings:
    """Readings at these seconds of the search."""
    return UsageReadings(
        tuple(
            UsageReading(STARTED + step, step, {"cpu_utilization_percentage": 50.0 + step % 7, "gpu_0_x": 1.0})
            for step in steps
        )
    )


def search_end(artifact: Path | None = None, **changes: Any) -> SearchEnd:
    metrics = {"score": 0.9, "baseline.linear": 0.87, "trials.completed": 1.0, "trials.failed": 1.0}
    values: dict[str, Any] = {"status": "completed", "metrics": metrics, "tags": {}, "best_trial": 0}
    return SearchEnd(artifact=artifact, **{**values, "ended": STARTED + 60, **changes})
