"""Where a search stands, read from its folder alone: nothing is written there, no lock is taken, little is loaded."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from autokeras_lite.artifact.files import MOST_DESCRIPTION_BYTES, MOST_DESCRIPTION_VALUES
from autokeras_lite.durable import MOST_JSON_BYTES, MOST_JSON_VALUES, read_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.driver import Driver, read_living_driver
from autokeras_lite.search.standing import EndedTrial, FailedTrial, Standing, TrainingCohort
from autokeras_lite.trial import TrialStatus

TOP = 5
# The folder of a search has at least one of these; the layout is that of `search/folder.py: SearchFolder`.
_REQUEST, _SUMMARY, _JOURNAL, _TIME, _BASELINES = (
    "search.json", "summary.json", "journal.jsonl", "time.json", "baselines.json"
)  # fmt: skip
_BLUEPRINT = "blueprint/blueprint.json"
_LOCK = "driver.lock"
_MARKS = (_REQUEST, _SUMMARY, _JOURNAL, _LOCK)
_WRONG_FIELDS = (KeyError, TypeError, ValueError, AttributeError)


class Phase(StrEnum):
    """What becomes of a search; `WAITING` is a finished one whose tracking server lacks records."""

    RUNNING = "running"
    FINISHED = "finished"
    WAITING = "waiting to send"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    KILLED = "killed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Limits:
    """What a search may spend; `None` for no limit, or where it is not known."""

    seconds: float | None = None
    trials: int | None = None


@dataclass(frozen=True)
class SearchState:
    """A search as it stands, in plain values.

    `driver` is the process that works on it, or did when it was killed. `changed` is when something in the folder was
    last written, in seconds since the epoch. `best`, `top` (best first), `training` and `last_failure` are of a search
    that has not ended; of one that has, `best` alone. `reason` says what is damaged. `doing` says what goes on while
    nothing trains. `is_from_memory` says that the data are in no file, so that only Python can go on with it.
    """

    name: str
    folder: Path
    phase: Phase
    driver: Driver | None = None
    changed: float = 0.0
    task: str = ""
    metric: str = ""
    direction: str = ""
    limits: Limits = Limits()
    elapsed_seconds: float = 0.0
    counts: Mapping[TrialStatus, int] = field(default_factory=dict)
    best: EndedTrial | None = None
    top: tuple[EndedTrial, ...] = ()
    training: tuple[TrainingCohort, ...] = ()
    last_failure: FailedTrial | None = None
    baselines: Mapping[str, float | None] = field(default_factory=dict)
    unsent: int = 0
    is_from_memory: bool = False
    doing: str = ""
    reason: str = ""

    @property
    def is_running(self) -> bool:
        """Whether a process works on it."""
        return self.phase is Phase.RUNNING

    @property
    def num_trials(self) -> int:
        """How many trials have ended in any way."""
        return sum(self.counts.values())

    @property
    def num_counted(self) -> int:
        """How many trials count for the budget: those that did not fail."""
        return self.num_trials - self.counts.get(TrialStatus.FAILED, 0)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        driver = asdict(self.driver) if self.driver is not None and self.is_running else None
        training = [{"cohort": one.number, "trials": list(one.trials)} for one in self.training]
        return {
            "name": self.name,
            "state": str(self.phase),
            "reason": self.reason,
            "folder": str(self.folder),
            "driver": driver,
            "changed": round(self.changed, 3),
            "task": self.task,
            "metric": self.metric,
            "direction": self.direction,
            "elapsed_seconds": round(self.elapsed_seconds, 2),
            "limit_seconds": self.limits.seconds,
            "limit_trials": self.limits.trials,
            "trials": {str(status): self.counts.get(status, 0) for status in TrialStatus},
            "best": None if self.best is None else asdict(self.best),
            "training": training,
            "baselines": dict(self.baselines),
            "unsent": self.unsent,
        }


class StateReader:
    """Reads the state of one search again and again; of files that only grow it reads what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._standing = Standing(folder / _JOURNAL)
        self._read_before: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
        self._families: dict[int, str] = {}

    def read(self) -> SearchState:
        """Return the state at this moment.

        Raises:
            ArtifactError: there is no search, or its files are damaged.
        """
        if not is_search_folder(self._folder):
            raise ArtifactError(
                f"There is no search in {self._folder}. Expected the folder of a search. "
                "Name another one, or give its --runs-dir."
            )
        changed = last_change(self._folder)
        driver, is_alive = read_living_driver(self._folder, changed)  # first: it writes the record before it leaves
        summary = self._values(_SUMMARY)
        request = self._values(_REQUEST) or {}
        stopped = "unfinished" if summary is None else str(summary.get("stopped", ""))
        unsent = 0 if summary is None else _whole(summary.get("unsent", 0))
        state = SearchState(
            name=self._folder.absolute().name,
            folder=self._folder.absolute(),
            phase=_phase(stopped, driver, is_alive=is_alive, unsent=unsent),
            driver=driver,
            changed=changed,
            limits=_limits(request),
            unsent=unsent,
            is_from_memory=bool(request) and request.get("data") is None,
        )
        if summary is not None and not is_alive and stopped != "unfinished":
            return self._ended(state, summary)
        return self._going_on(state, has_record=summary is not None)

    def _ended(self, state: SearchState, summary: Mapping[str, Any]) -> SearchState:
        """Add what the record of a search says."""
        try:
            best, trials = summary["best"], summary["trials"]
            return replace(
                state,
                task=str(summary["task"]),
                metric=str(summary["metric"]),
                direction=str(summary["direction"]),
                elapsed_seconds=float(summary["seconds"]),
                counts={status: int(trials[status]) for status in TrialStatus},
                best=None if best is None else _best_of_record(best),
                baselines=dict(summary["baselines"]),
            )
        except _WRONG_FIELDS:
            raise _damaged(self._folder / _SUMMARY) from None

    def _going_on(self, state: SearchState, *, has_record: bool) -> SearchState:
        """Add what the journal and the files beside it say."""
        if self._standing.is_outdated:
            self._standing, self._families = Standing(self._folder / _JOURNAL), {}
        self._standing.refresh()
        standing, task = self._standing, self._task()
        sign = 1.0 if task.get("direction") == "minimize" else -1.0
        ranked = sorted(standing.ended, key=lambda trial: (sign * trial.score, trial.number))[:TOP]
        top = tuple(replace(trial, family=self._family(trial.number)) for trial in ranked)
        return replace(
            state,
            task=str(task.get("kind", "")),
            metric=str(task.get("metric", "")),
            direction=str(task.get("direction", "")),
            elapsed_seconds=self._elapsed_seconds(state),
            counts=dict(standing.counts),
            best=top[0] if top else None,
            top=top,
            training=standing.training() if state.is_running else (),
            last_failure=standing.failed[-1] if standing.failed else None,
            baselines=self._baselines(),
            doing=self._doing(bool(task), has_record=has_record) if state.is_running else "",
        )

    def _doing(self, is_prepared: bool, *, has_record: bool) -> str:
        if has_record:
            return "writing the record"
        if not is_prepared:
            return "reading the data"
        if not self._standing.has_begun:
            return "preparing the first trials"
        return "" if self._standing.training() else "between trials, or making the best model"

    def _elapsed_seconds(self, state: SearchState) -> float:
        """Return how long the search has run: what was noted, and the time since then where it still runs."""
        noted = 0.0
        with suppress(*_WRONG_FIELDS, ArtifactError):
            noted = float((self._values(_TIME) or {"seconds": 0.0})["seconds"])
        if not state.is_running or state.driver is None:
            return noted
        since = max(state.driver.noted, _mtime(self._folder / _TIME))
        return noted + max(0.0, time.time() - since)

    def _task(self) -> Mapping[str, Any]:
        """Return the task that is searched for, as plain values; nothing until it is known."""
        with suppress(*_WRONG_FIELDS, ArtifactError):
            task = (self._values(_BLUEPRINT) or {"manifest": {"task": {}}})["manifest"]["task"]
            return {name: task[name] for name in ("kind", "metric", "direction") if name in task}
        return {}

    def _baselines(self) -> dict[str, float | None]:
        with suppress(*_WRONG_FIELDS, ArtifactError):
            found = (self._values(_BASELINES) or {"baselines": []})["baselines"]
            return {str(one["name"]): None if one["score"] is None else float(one["score"]) for one in found}
        return {}

    def _family(self, number: int) -> str:
        if number not in self._families:
            with suppress(*_WRONG_FIELDS, ArtifactError):
                values = read_json(self._folder / "trials" / f"{number:04d}" / "result.json")
                self._families[number] = str(values["spec"]["family"])
        return self._families.get(number, "")

    def _values(self, name: str) -> dict[str, Any] | None:
        """Return what a JSON file of the folder holds, `None` where there is none; read anew only when it changed."""
        file = self._folder / name
        try:
            found = file.stat()
        except OSError:
            return None
        is_long = name == _BLUEPRINT
        version = (found.st_mtime_ns, found.st_size)
        if name not in self._read_before or self._read_before[name][0] != version:
            most_bytes = MOST_DESCRIPTION_BYTES if is_long else MOST_JSON_BYTES
            most_values = MOST_DESCRIPTION_VALUES if is_long else MOST_JSON_VALUES
            values = read_json(file, most_bytes=most_bytes, most_values=most_values)
            if not isinstance(values, dict):
                raise _damaged(file)
            self._read_before[name] = version, {"manifest": {"task": values["manifest"]["task"]}} if is_long else values
        return self._read_before[name][1]


def read_state(folder: Path) -> SearchState:
    """Return where the search in a folder stands.

    Raises:
        ArtifactError: there is no search, or its files are damaged.
    """
    return StateReader(folder).read()


def list_states(runs_dir: Path) -> tuple[SearchState, ...]:
    """Return the state of every search in a folder, the one that changed last first; damaged ones say why."""
    try:
        folders = [folder for folder in runs_dir.iterdir() if is_search_folder(folder)]
    except OSError:
        return ()
    states = map(_state_or_damage, folders)
    return tuple(sorted(states, key=lambda state: (-state.changed, state.name)))


def is_search_folder(folder: Path) -> bool:
    """Say whether a search lies in a folder, however little of it."""
    try:
        return any((folder / mark).is_file() for mark in _MARKS)
    except OSError:
        return False


def last_change(folder: Path) -> float:
    """Return when a search last wrote something, in seconds since the epoch."""
    return max(_mtimes(folder / name for name in (_REQUEST, _SUMMARY, _JOURNAL, _TIME)), default=_mtime(folder))


def _state_or_damage(folder: Path) -> SearchState:
    try:
        return read_state(folder)
    except ArtifactError as error:
        reason, changed = str(error), last_change(folder)
        return SearchState(folder.name, folder.absolute(), Phase.DAMAGED, changed=changed, reason=reason)


def _phase(stopped: str, driver: Driver | None, *, is_alive: bool, unsent: int) -> Phase:
    if is_alive:
        return Phase.RUNNING
    if stopped == "failures":
        return Phase.FAILED
    if stopped == "":
        return Phase.WAITING if unsent else Phase.FINISHED
    # One that was killed had no time to take its note with it.
    return Phase.KILLED if stopped == "unfinished" and driver is not None else Phase.INTERRUPTED


def _limits(request: Mapping[str, Any]) -> Limits:
    with suppress(*_WRONG_FIELDS):
        budget = request["config"]["budget"]
        seconds, trials = budget["seconds"], budget["trials"]
        return Limits(None if seconds is None else float(seconds), None if trials is None else int(trials))
    return Limits()


def _best_of_record(best: Mapping[str, Any]) -> EndedTrial:
    return EndedTrial(int(best["trial"]), float(best["validation_score"]), family=str(best["family"]))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _mtimes(files: Iterable[Path]) -> list[float]:
    return [changed for changed in map(_mtime, files) if changed]


def _mtime(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _damaged(file: Path) -> ArtifactError:
    return ArtifactError(
        f"{file} is damaged (fields are missing). Expected the file that the search wrote. "
        "Run `autokeras-lite resume` for this search, which mends results, or restore the file from a copy."
    )
