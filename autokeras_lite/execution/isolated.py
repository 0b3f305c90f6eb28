"""Runs one cohort and turns whatever goes wrong in it into outcomes."""

import traceback
from contextlib import suppress

from autokeras_lite.durable import is_disk_full
from autokeras_lite.errors import StorageError
from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter, failed
from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.memory import as_size
from autokeras_lite.execution.trade import Craft
from autokeras_lite.tracking.uri import mask
from autokeras_lite.trial import Cause

TRACEBACK_FILE = "traceback.txt"


def run_isolated(job: CohortJob, share: Share, report: Reporter, craft: Craft) -> CohortResult:
    """Train a cohort; an exception becomes the outcome of each of its trials and is written into their folders."""
    try:
        return craft.train(job, share.bytes_each, report)
    except Exception as error:  # noqa: BLE001 - failure is a value here
        text = mask("".join(traceback.format_exception(error)))
        cause, message = _judge(error, share, craft)
    _write(job, text)
    return failed(job, cause, message)


def _judge(error: Exception, share: Share, craft: Craft) -> tuple[Cause, str]:
    first_line = (str(error).splitlines() or [""])[0][:300]
    message = mask(f"{type(error).__name__}: {first_line}")
    if isinstance(error, StorageError) or is_disk_full(error):
        return Cause.LOST, f"The disk is full, so the trial could not be kept. Free some space. ({message})"
    cause = craft.out_of_memory_cause(error)
    if cause is Cause.OUT_OF_MEMORY_HOST:
        limit = as_size(share.bytes_each)
        return cause, f"{message} (The memory limit of a worker is {limit}; raise it with --memory-limit.)"
    return cause or Cause.EXCEPTION, message


def _write(job: CohortJob, text: str) -> None:
    for spec in job.cohort.specs:
        folder = job.trials_folder / f"{spec.number:04d}"
        with suppress(OSError):  # The fault may be that nothing can be written; the outcome tells it too.
            folder.mkdir(parents=True, exist_ok=True)
            (folder / TRACEBACK_FILE).write_text(text)
