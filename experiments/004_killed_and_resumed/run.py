"""Does a search that is killed come to the same result as one that nobody disturbs?

A search of a real table with a budget of trials, one worker and a fixed seed is run twice, side by side: once
undisturbed, once killed with SIGKILL several times at random moments and begun again with the same command. Both
leaderboards must be equal in everything but the seconds.

    python experiments/004_killed_and_resumed/run.py [--trials 60] [--kills 3] [--out result.json]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

import autokeras_lite as akl

HERE = Path(__file__).parent
DATA = HERE.parent / "data"


def command(folder: Path, name: str, trials: int, seed: int) -> list[str]:
    """Return the command of one search."""
    return [
        str(Path(sys.executable).with_name("autokeras-lite")), "search", str(DATA / "adult.parquet"),
        "--target", "income", "--trials", str(trials), "--seed", str(seed), "--workers", "1",
        "--runs-dir", str(folder), "--name", name, "--quiet",
    ]  # fmt: skip


def run_killed(folder: Path, trials: int, seed: int, moments: list[float]) -> dict[str, Any]:
    """Run a search, killing it when it has run for so long since its last start, and let it end; say what happened."""
    kills = []
    started = time.monotonic()
    for moment in moments:
        driver = subprocess.Popen(command(folder, "killed", trials, seed), stdout=subprocess.DEVNULL)
        try:
            driver.wait(moment)
            break
        except subprocess.TimeoutExpired:
            driver.kill()
            driver.wait()
            finished = len(list((folder / "killed" / "trials").glob("*/result.json")))
            kills.append({"after_seconds": round(moment, 1), "finished_trials": finished})
    subprocess.run(command(folder, "killed", trials, seed), check=True, stdout=subprocess.DEVNULL)
    return {"kills": kills, "seconds": round(time.monotonic() - started, 1)}


def leaderboard(folder: Path, name: str) -> pd.DataFrame:
    """Return the leaderboard without what depends on the clock."""
    return akl.load(folder / name).leaderboard().drop(columns="seconds")


def main() -> None:
    """Run both searches and compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--longest", type=float, default=180.0, help="seconds after which it is killed at the latest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, started = Path(place), time.monotonic()
        undisturbed = subprocess.Popen(
            command(folder, "undisturbed", asked.trials, asked.seed), stdout=subprocess.DEVNULL
        )
        draw = random.Random(asked.seed)
        moments = [draw.uniform(20.0, asked.longest) for _ in range(asked.kills)]
        killed = run_killed(folder, asked.trials, asked.seed, moments)
        code, seconds = undisturbed.wait(), time.monotonic() - started
        one, other = leaderboard(folder, "undisturbed"), leaderboard(folder, "killed")
        result = {
            "trials": len(one),
            "exit_code_of_the_undisturbed": code,
            "both_done_after_seconds": round(seconds, 1),
            **killed,
            "equal_leaderboards": bool(one.equals(other)),
            "best_score": [akl.load(folder / n).summary.best.validation_score for n in ("undisturbed", "killed")],
        }
    print(json.dumps(result, indent=1))
    asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
