"""What a search that has not come to its end can give already: its record so far, and its best model so far."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from filelock import FileLock

from autokeras_lite.artifact.files import MANIFEST_FILE, MOST_DESCRIPTION_BYTES, MOST_DESCRIPTION_VALUES
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.config import Execution
from autokeras_lite.durable import disk_faults, read_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.execution.registry import open_executor
from autokeras_lite.execution.work import make_artifact
from autokeras_lite.search.account import summarise
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.course import Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.tasks.task import Task

_LOCK_FILE = "making.lock"


def summarise_unfinished(folder: SearchFolder) -> SearchSummary:
    """Put together the record of a search that still runs, or that was killed.

    Raises:
        ArtifactError: it was ended before there was anything to tell.
    """
    blueprint, trials = _blueprint(folder), folder.read_trials()
    best = _best(trials, blueprint.manifest.task)
    summary = summarise(folder, blueprint.manifest, trials, best, folder.read_baselines())
    return replace(summary, seconds=folder.read_seconds(), stopped="unfinished")


def ensure_model(folder: SearchFolder, number: int, make: Callable[[ArtifactRequest], object] | None = None) -> Path:
    """Return a folder with the model of that trial, which is made if there is none.

    That of the search itself is never written to: its driver may be at work on it. Processes that want the same model
    wait for each other. `make` is for tests; by default a child makes it.

    Raises:
        ArtifactError: the model cannot be made.
    """
    finished = {spec.number: (spec, outcome) for spec, outcome in folder.read_trials()}
    if _holds(folder.artifact, finished[number]):
        return folder.artifact
    so_far = folder.artifact_so_far / f"{number:04d}"
    with disk_faults(so_far):
        folder.artifact_so_far.mkdir(exist_ok=True)
    with FileLock(folder.artifact_so_far / _LOCK_FILE):
        if not _holds(so_far, finished[number]):
            request = _blueprint(folder).request(folder, finished[number])
            (make or _make_in_child)(replace(request, folder=so_far))
    return so_far


def _holds(artifact: Path, finished: Finished) -> bool:
    """Say whether the model is this trial's, with this score: a trial that was cut short may have gone on since."""
    spec, outcome = finished
    with suppress(ArtifactError, KeyError, TypeError):
        values = read_json(
            artifact / MANIFEST_FILE, most_bytes=MOST_DESCRIPTION_BYTES, most_values=MOST_DESCRIPTION_VALUES
        )
        is_alone = not values.get("members")
        return bool(is_alone and values["trial"]["number"] == spec.number and values["score"] == outcome.score)
    return False


def _make_in_child(request: ArtifactRequest) -> None:
    with closing(open_executor(Execution(workers=1))) as executor:
        executor.run(partial(make_artifact, request))


def _blueprint(folder: SearchFolder) -> Blueprint:
    try:
        return Blueprint.open(folder.blueprint)
    except (ArtifactError, OSError, ValueError, KeyError):
        raise ArtifactError(
            f"The search in {folder.path} has no result yet. Expected one that has begun to train. "
            "Wait for it, or go on with `autokeras-lite resume`."
        ) from None


def _best(trials: list[Finished], task: Task) -> Finished | None:
    scored = [(spec, outcome) for spec, outcome in trials if outcome.score is not None]
    sign = -1.0 if task.direction == "maximize" else 1.0
    return min(scored, key=lambda pair: (sign * (pair[1].score or 0.0), pair[0].number), default=None)
