"""Run one system in a process of its own: `python child.py FOLDER`, where `run.py` left the job."""

import importlib
import json
import sys
import time
from pathlib import Path

from job import Job


def main() -> None:
    """Fit within the time limit, then predict the test rows, whose time does not count."""
    job = Job.read(sys.argv[1])
    fitted = importlib.import_module(f"systems.{job.system}").fit(job)
    seconds = time.monotonic() - job.started
    import numpy as np

    np.save(Path(job.folder, "predictions.npy"), np.asarray(fitted.predict(), dtype=np.float64))
    told = {"fit_seconds": round(seconds, 1), "notes": dict(fitted.notes)}
    Path(job.folder, "fitted.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
