"""Runs one cohort and turns whatever goes wrong in it into outcomes. Loads Keras: only where trials run."""

import traceback

from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter, failed
from autokeras_lite.training.cohort import TrainingJob, train_cohort
from autokeras_lite.training.compiled_epoch import is_out_of_device_memory
from autokeras_lite.trial import Cause

TRACEBACK_FILE = "traceback.txt"


def run_isolated(job: CohortJob, free_bytes: int, report: Reporter) -> CohortResult:
    """Train a cohort; an exception becomes the outcome of each of its trials and is written into their folders."""
    try:
        outcomes = train_cohort(
            TrainingJob(job.cohort, job.task, job.data_folder, job.trials_folder, free_bytes), report
        )
    except Exception as error:  # noqa: BLE001 - failure is a value here
        return _as_result(job, error)
    return CohortResult(job.cohort, outcomes)


def _as_result(job: CohortJob, error: Exception) -> CohortResult:
    text = "".join(traceback.format_exception(error))
    for spec in job.cohort.specs:
        folder = job.trials_folder / f"{spec.number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TRACEBACK_FILE).write_text(text)
    first_line = (str(error).splitlines() or [""])[0][:300]
    return failed(job, _cause(error), f"{type(error).__name__}: {first_line}")


def _cause(error: Exception) -> Cause:
    if isinstance(error, MemoryError):
        return Cause.OUT_OF_MEMORY_HOST
    return Cause.OUT_OF_MEMORY_DEVICE if is_out_of_device_memory(error) else Cause.EXCEPTION
