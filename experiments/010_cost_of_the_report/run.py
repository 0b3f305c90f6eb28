"""What does the report cost, and does it stay small?

1. The report and the model card of a search with 1,000 trials, made in a process of its own: seconds of everything
   (Python, libraries, reading, drawing, writing), seconds inside, those of the processor, bytes. Ten are allowed.
2. A search of credit_g for five minutes, which writes its report at the end: seconds of the report, and its share.

    python experiments/010_cost_of_the_report/run.py [--trials 1000] [--limit 5m] [--out result.json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import autokeras_lite as akl
from autokeras_lite.config import parse_duration

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
# The tests write searches that never ran.
WRITTEN = HERE.parents[1] / "tests" / "report"
_PROGRAM = """
import json, sys, time
from pathlib import Path
begun = time.perf_counter()
from autokeras_lite.report.ending import write_both
loaded = time.perf_counter()
page = write_both(Path(sys.argv[1]))
ended, processor = time.perf_counter(), time.process_time()
write_both(Path(sys.argv[1]))
again = time.perf_counter()
print(json.dumps({"seconds_to_load": loaded - begun, "seconds_to_write": ended - loaded,
                  "seconds_to_write_again": again - ended, "processor_seconds": processor,
                  "bytes": page.stat().st_size}))
"""


def cost_of(folder: Path) -> dict[str, Any]:
    """Write the report of a search in a process of its own."""
    begun = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder)], capture_output=True, text=True, check=True, timeout=600
    )
    whole = time.perf_counter() - begun
    inside = json.loads(ended.stdout)
    return {"seconds_of_the_process": round(whole, 2), **{name: round(value, 2) for name, value in inside.items()}}


def cost_of_many_trials(num_trials: int, runs: Path) -> dict[str, Any]:
    """Write the report of a search that was written down with so many trials."""
    sys.path[:0] = [str(WRITTEN), str(WRITTEN.parent)]
    from written_searches import write_search

    return {"trials": num_trials, **cost_of(write_search(runs, num_trials=num_trials))}


def share_of_a_search(limit: str, runs: Path) -> dict[str, Any]:
    """Search credit_g for so long, and compare what its report takes with its time."""
    begun = time.monotonic()
    result = akl.search(DATA / "credit_g.parquet", target="class", time_limit=limit, runs_dir=str(runs), name="credit")
    wall = time.monotonic() - begun
    was_made = (result.folder / "report.html").exists()
    cost = cost_of(result.folder)
    seconds = cost["seconds_to_load"] + cost["seconds_to_write"]
    return {
        "limit_seconds": parse_duration(limit),
        "wall_seconds": round(wall, 1),
        "trials": len(result.leaderboard()),
        "report_was_made": was_made,
        **cost,
        "share_of_the_limit": round(seconds / parse_duration(limit), 4),
    }


def main() -> None:
    """Measure both and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--limit", default="5m")
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "many_trials": cost_of_many_trials(asked.trials, Path(folder) / "written"),
            "search": share_of_a_search(asked.limit, Path(folder) / "searched"),
        }
    asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
