"""The ten promises, checked from what lies on disk, from what drivers told, and from the table of processes."""

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from fault_harness import NAME, Driver, Place, marked_processes
from fault_store import Record
from fault_trade import MODEL_FILE, roc_auc
from filelock import FileLock, Timeout

from autokeras_lite.artifact.files import MANIFEST_FILE, sha256
from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.search.hold import LOCK_FILE
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.tracking.outbox import OUTBOX_FOLDER
from autokeras_lite.trial import Cause, TrialOutcome, TrialSpec, TrialStatus

_SECONDS_TO_GO = 10.0
# What may differ between two ways to the same result.
_OF_THE_WAY = ("seconds", "device", "earlier")

Results = Mapping[int, tuple[TrialSpec, TrialOutcome]]


@dataclass(frozen=True)
class Undisturbed:
    """What a search comes to that nothing happens to: cohorts with their values, outcomes, and the best trial."""

    cohorts: tuple[Any, ...]
    outcomes: Mapping[int, Mapping[str, Any]]
    best: Mapping[str, Any]

    @classmethod
    def of(cls, place: Place) -> "Undisturbed":
        results = read_results(place)
        return cls(cohorts_of(place), plain(results), best_of(read_summary(place)))


def check_promises(place: Place, driver: Driver, undisturbed: Undisturbed | None = None) -> None:
    """Check P1 to P10 once a search has come to its end after whatever happened to it."""
    assert driver.code == 0, f"P5, P8: the last driver ended with {driver.code}:\n{driver.text}"
    check_nothing_is_left_running(place)
    results = read_results(place)
    check_acknowledged(place, results)
    check_counts(place, results)
    check_study(place, results)
    check_record(place, results)
    check_model(place, results)
    check_tidy(place)
    if undisturbed is not None:
        assert cohorts_of(place) == undisturbed.cohorts, "P10: other cohorts"
        assert plain(results) == undisturbed.outcomes, "P10: other results"
        assert best_of(read_summary(place)) == undisturbed.best, "P10: another best trial"


def check_disturbed(place: Place) -> None:
    """Check what holds at any moment, also of a search that has not come to its end: P1, P4, and what can be read."""
    check_nothing_is_left_running(place)
    if place.folder.journal.exists():
        check_acknowledged(place, journaled(place))
    if (place.folder.artifact / MANIFEST_FILE).exists():
        check_reproduces(place)


def check_acknowledged(place: Place, results: Results) -> None:
    """P1: every result that a person was told is there with the same value."""
    for told in place.acks:
        assert told["trial"] in results, f"P1: trial {told['trial']} was told and is lost"
        _, outcome = results[told["trial"]]
        assert (told["cause"], told["score"]) == (outcome.cause, outcome.score), f"P1: trial {told['trial']} changed"


def check_counts(place: Place, results: Results) -> None:
    """P2: no trial counts twice, and the budget is spent exactly; the files agree with the journal and the summary."""
    counted = [outcome for _, outcome in results.values() if outcome.status is not TrialStatus.FAILED]
    assert len(counted) == place.trials, f"P2: {len(counted)} trials count, {place.trials} were asked for"
    assert sorted(results) == list(range(1, len(results) + 1)), "P2: numbers are missing"
    ended = [outcome["number"] for event in place.events if event["event"] == "ended" for outcome in event["outcomes"]]
    assert len(ended) == len(set(ended)), "P2: a trial ended twice"
    assert {n: o for n, (_, o) in journaled(place).items()} == {n: o for n, (_, o) in results.items()}
    told = [ack["trial"] for ack in place.acks]
    assert len(told) == len(set(told)), "P2: a trial was told twice"
    summary = read_summary(place)
    assert (summary.trials.completed + summary.trials.pruned, summary.trials.failed) == (
        len(counted),
        len(results) - len(counted),
    )


def check_study(place: Place, results: Results) -> None:
    """P2, P3: the study has every trial once, with its score, and none that runs."""
    if not place.folder.database.exists():
        return
    with closing(sqlite3.connect(place.folder.database)) as database:
        states = dict(database.execute("select trial_id, state from trials"))
        values = dict(database.execute("select trial_id, value from trial_values"))
        noted = database.execute("select trial_id, key, value_json from trial_user_attributes").fetchall()
    assert set(states.values()) <= {"COMPLETE", "PRUNED", "FAIL"}, "P3: the study has a trial that runs"
    numbers = {trial: json.loads(value) for trial, key, value in noted if key == "trial"}
    assert sorted(numbers.values()) == sorted(results), "P2: the study has other trials"
    for trial, number in numbers.items():
        _, outcome = results[number]
        if outcome.cause is Cause.OK:
            assert (states[trial], values[trial]) == ("COMPLETE", outcome.score)
        assert (states[trial] == "FAIL") == (outcome.status is TrialStatus.FAILED)


def check_record(place: Place, results: Results) -> None:
    """P3, P7: the record has the same trials, ends and scores, and nothing in it runs."""
    record = Record.read(place.root)
    assert record.search == "completed", f"P3: the record says that the search is {record.search}"
    assert not [n for n, status in record.trials.items() if status == "RUNNING"], "P3: the record has trials that run"
    assert record.trials == {n: str(o.status) for n, (_, o) in results.items()}, "P7: the record has other trials"
    assert {n: TrialOutcome.from_json(o) for n, o in record.outcomes.items()} == {n: o for n, (_, o) in results.items()}
    assert not (place.folder.path / OUTBOX_FOLDER).exists(), "P7: something waits to be sent"


def check_nothing_is_left_running(place: Place) -> None:
    """P4: the children are gone soon after their driver, and nobody holds the lock."""
    until = time.monotonic() + _SECONDS_TO_GO
    while left := marked_processes(place.mark):
        assert time.monotonic() < until, f"P4: orphans {left}"
        time.sleep(0.005)
    if (place.folder.path / LOCK_FILE).exists():
        lock = FileLock(place.folder.path / LOCK_FILE, timeout=0)
        with suppress(Timeout):
            lock.acquire()
        assert lock.is_locked, "P4: the lock is held"
        lock.release()


def check_model(place: Place, results: Results) -> None:
    """P6: the model file is that of the best trial, or of those that are averaged, and reproduces their score."""
    summary = read_summary(place)
    scored = [(-outcome.score, number) for number, (_, outcome) in results.items() if outcome.score is not None]
    assert summary.best is not None
    # Trials that were scored once more may change places.
    best = [min(scored)[1], *map(int, summary.finalists)]
    assert summary.best.trial in best, "P6: another trial is the best"
    members = [member.trial.number for member in check_reproduces(place).mixture]
    averaged = [summary.best.trial] if summary.ensemble is None else list(map(int, summary.ensemble.shares))
    assert members == averaged, "P6: the model file is of other trials"


def check_reproduces(place: Place) -> Manifest:
    """P6: the model file that is there is whole, and gives the score that its manifest tells."""
    folder = place.folder.artifact
    manifest = Manifest.from_json(json.loads((folder / MANIFEST_FILE).read_text()))
    assert sha256(folder / MODEL_FILE) == manifest.model_sha256
    with np.load(folder / MODEL_FILE) as model:
        rows = pd.read_csv(place.table).iloc[model["rows"]]
        numbers = manifest.encoding.encode(rows.drop(columns="y"))["numbers"]
        mean = model["shares"] @ (1 / (1 + np.exp(-numbers @ model["weights"].T))).T
        score = roc_auc(model["labels"], mean)
    if not manifest.refit:
        assert abs(score - manifest.fold_scores[0]) < 1e-9, "P6: the model file has another score"
    return manifest


def check_tidy(place: Place) -> None:
    """Nothing large lies about at the end: no half-made model file, no checkpoint."""
    folder = place.folder.path
    left = [file.name for file in folder.glob(".artifact.*")]
    left += [str(file.relative_to(folder)) for file in folder.glob("checkpoints/*")]
    assert not left, f"left behind: {left}"


def check_others_are_unharmed(place: Place, guilty: Mapping[int, Cause]) -> None:
    """P9: the guilty trials failed, each from its cause, and every other came to its score."""
    results = read_results(place)
    failed = {n: o.cause for n, (_, o) in results.items() if o.status is TrialStatus.FAILED}
    assert failed == dict(guilty)


# Reading -------------------------------------------------------------------------------------------------------------


def read_results(place: Place) -> Results:
    return {spec.number: (spec, outcome) for spec, outcome in place.folder.read_trials()}


def journaled(place: Place) -> dict[int, tuple[None, TrialOutcome]]:
    """Return what the journal says, which a search goes on from."""
    ended = [event["outcomes"] for event in place.events if event["event"] == "ended"]
    return {o["number"]: (None, TrialOutcome.from_json(o)) for outcomes in ended for o in outcomes}


def read_summary(place: Place) -> SearchSummary:
    summary = place.folder.read_summary()
    assert summary is not None, "there is no summary"
    assert summary.name == NAME
    return summary


def cohorts_of(place: Place) -> tuple[Any, ...]:
    return tuple((event["cohort"], event["trials"]) for event in place.events if event["event"] == "begun")


def plain(results: Results) -> dict[int, dict[str, Any]]:
    return {
        number: {"spec": spec.to_json()}
        | {name: value for name, value in outcome.to_json().items() if name not in _OF_THE_WAY}
        for number, (spec, outcome) in results.items()
    }


def best_of(summary: SearchSummary) -> dict[str, Any]:
    assert summary.best is not None
    return {"trial": summary.best.trial, "score": summary.best.validation_score, "config": dict(summary.best.config)}
