"""Brings a new process to where an earlier one was: the journal, played once more."""

import json
from collections.abc import Sequence

from autokeras_lite.errors import ConfigError
from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.search.course import Course
from autokeras_lite.search.journal import Event
from autokeras_lite.trial import Cause, EpochReport, TrialOutcome


def replay(course: Course, events: Sequence[Event]) -> None:
    """Play the events of a journal through a course that has just begun.

    Cohorts that were begun and have not ended are `course.running` afterwards.

    Raises:
        ConfigError: the same questions have other answers now, since the installed versions differ.
    """
    for event in events:
        match event["event"]:
            case "begun":
                _begin(course, event)
            case "rung":
                course.judge(_report(event))
            case "shortened":
                course.shorten(event["cohort"], event["epochs"])
            case "broke":
                _break(course, event)
            case "ended":
                course.end(event["cohort"], [TrialOutcome.from_json(values) for values in event["outcomes"]])


def _begin(course: Course, event: Event) -> None:
    running = course.begin(event["lanes"], space=event.get("space", ""))
    values = {} if running is None else {str(n): dict(p.values) for n, p in running.proposals.items()}
    if json.loads(json.dumps(values, default=str)) != event["trials"]:
        raise _other_version(event)


def _other_version(event: Event) -> ConfigError:
    return ConfigError(
        f"Cohort {event['cohort']} of this search would be proposed differently now: Optuna or this program has "
        "changed since. Expected the versions that search.json names. Install them, or begin a new search with "
        "another --name."
    )


def _report(event: Event) -> EpochReport:
    scores = {int(number): float(score) for number, score in event["scores"].items()}
    return EpochReport(event["cohort"], 0, 0, scores, {}, 0.0, event["rung"])


def _break(course: Course, event: Event) -> None:
    cohort = course.running[event["cohort"]].cohort
    cause = Cause(event["cause"])
    outcomes = tuple(TrialOutcome(spec.number, cause, message=event["message"]) for spec in cohort.specs)
    result = CohortResult(cohort, outcomes)
    retry = course.retry_of(result)
    if retry is None:
        raise _other_version(event)
    course.try_again(result, retry)
