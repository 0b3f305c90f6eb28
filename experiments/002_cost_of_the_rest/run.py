"""What does a search cost beside training, and does its driver grow?

1. A search of two minutes, in two ways. `share_not_training`: which part of the wall clock passes while no trial
   trains (reading, Optuna, MLflow, processes, files, the model file). `share_of_workers_not_training`: which part of
   the time of all workers they do not spend inside a cohort (waiting for a proposal, starting a child, and all of the
   above), which is stricter.
2. A search of 300 short trials: the memory of the driver after every trial.

    python experiments/002_cost_of_the_rest/run.py [--seconds 120] [--trials 300] [--out result.json]
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

import autokeras_lite as akl
from autokeras_lite.search.observer import SilentObserver
from autokeras_lite.trial import Cohort, EpochReport, TrialOutcome, TrialSpec

HERE = Path(__file__).parent
DATA = HERE.parent / "data"


class Watch(SilentObserver):
    """Notes when cohorts train, and the memory of the driver after each trial."""

    def __init__(self) -> None:
        self.spans: dict[int, list[float]] = {}
        self.cohort_of: dict[int, int] = {}
        self.bytes: list[int] = []
        self.seconds_in_cohorts = 0.0
        self._process = psutil.Process()

    def cohort_started(self, cohort: Cohort) -> None:
        """Note the beginning of a span."""
        now = time.monotonic()
        self.spans[cohort.number] = [now, now]
        self.cohort_of |= {spec.number: cohort.number for spec in cohort.specs}

    def epoch_finished(self, report: EpochReport) -> None:
        """Note that a span goes on."""
        self.spans[report.cohort][1] = time.monotonic()

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Note the end of a span, and the memory."""
        self.spans[self.cohort_of[spec.number]][1] = time.monotonic()
        self.bytes.append(self._process.memory_info().rss)
        self.seconds_in_cohorts += outcome.seconds  # a trial's share of its cohort's time in the child

    @property
    def training_seconds(self) -> float:
        """How long at least one cohort trained."""
        total, end = 0.0, 0.0
        for start, stop in sorted(self.spans.values()):
            total += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return total


def cost_of_the_rest(seconds: int, folder: str) -> dict[str, Any]:
    """Search adult for so long and divide the time."""
    watch, started, before = Watch(), time.monotonic(), os.times()
    result = akl.search(
        DATA / "adult.parquet", target="income", time_limit=seconds, runs_dir=folder, name="cost", observer=watch
    )
    wall, after = time.monotonic() - started, os.times()
    driver = after.user + after.system - before.user - before.system
    workers = os.cpu_count() or 1
    return {
        "wall_seconds": round(wall, 1),
        "training_seconds": round(watch.training_seconds, 1),
        "share_not_training": round(1 - watch.training_seconds / wall, 3),
        "workers": workers,
        "share_of_workers_not_training": round(1 - watch.seconds_in_cohorts / (workers * wall), 3),
        "driver_cpu_seconds": round(driver, 1),
        "trials": vars(result.summary.trials),
        "score": result.summary.best.validation_score,
    }


def memory_of_the_driver(trials: int, folder: str) -> dict[str, Any]:
    """Search credit_g for so many short trials."""
    watch = Watch()
    akl.search(
        DATA / "credit_g.parquet", target="class", trials=trials, runs_dir=folder, name="memory", observer=watch,
        space=str(HERE / "short.toml"), workers=1,
    )  # fmt: skip
    steps = [number for number in (10, 50, 100, 200, 300) if number <= len(watch.bytes)]
    return {
        "trials": len(watch.bytes),
        "megabytes_after": {str(step): round(watch.bytes[step - 1] / 2**20, 1) for step in steps},
        "growth_from_50_megabytes": round((watch.bytes[-1] - watch.bytes[min(49, len(watch.bytes) - 1)]) / 2**20, 1),
    }


def main() -> None:
    """Run both and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = {"cost": cost_of_the_rest(asked.seconds, folder), "memory": memory_of_the_driver(asked.trials, folder)}
    print(json.dumps(result, indent=1))
    asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
