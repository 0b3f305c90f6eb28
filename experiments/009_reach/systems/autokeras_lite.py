"""The command line of this project, as a person would call it; the rows are given as they are in the file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from job import Fitted, Job

PROGRAM = str(Path(sys.executable).with_name("autokeras-lite"))


def fit(job: Job) -> Fitted:
    """Search, and predict with the saved model in another process."""
    runs = Path(job.folder, "runs")
    printed = _run(
        "search", job.train, "--target", job.target, "--task", job.task, "--metric", job.metric, "--json", "--quiet",
        "--time-limit", f"{job.seconds:g}s", "--seed", str(job.seed), "--runs-dir", str(runs), "--name", "search",
    )  # fmt: skip
    return Fitted(lambda: _predict(job, runs / "search"), _notes(json.loads(printed)))


def _predict(job: Job, search: Path) -> Any:
    import pandas as pd

    file = Path(job.folder, "predictions.parquet")
    _run("predict", str(search), job.test, "-o", str(file), *(["--proba"] if job.classes else []))
    given = pd.read_parquet(file)
    return given[[str(label) for label in job.classes]].to_numpy() if job.classes else given.iloc[:, 0].to_numpy()


def _run(*words: str) -> str:
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"autokeras-lite {words[0]} ended with {done.returncode}: {done.stderr[-600:]}")
    return done.stdout


def _notes(summary: dict[str, Any]) -> dict[str, Any]:
    best, trust, ensemble = summary["best"], summary["trust"] or {}, summary["ensemble"] or {}
    return {
        "validation": best["validation_score"] if best else None,
        "expected": [trust.get(name) for name in ("corrected", "low", "high")],
        "trials": summary["trials"],
        "family": best["family"] if best else None,
        "members": len(ensemble.get("shares", {})) or 1,
        "baselines": summary["baselines"],
    }
