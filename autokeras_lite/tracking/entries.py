"""What a run is made of: records turned into flat names and values that any store takes."""

import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from autokeras_lite.tracking import names
from autokeras_lite.tracking.tracker import SearchEnd, SearchRecord, TrialEnd, TrialRecord, UsageReadings
from autokeras_lite.trial import FailedAttempt, TrainingConfig, TrialOutcome, TrialStatus, recipe_fields

MAX_PARAMETER_LENGTH = 6000
MAX_TAG_LENGTH = 8000
MAX_NAME_LENGTH = 250

_REFUSED_CHARACTERS = re.compile(r"[^\w.\- :/]", re.ASCII)
_COUNTS = (names.TRIALS_PREFIX + "completed", names.TRIALS_PREFIX + "pruned", names.TRIALS_PREFIX + "failed")


@dataclass(frozen=True)
class Point:
    """One value of a metric; `seconds` since the epoch, `step` 0 for a value that stands alone."""

    key: str
    value: float
    seconds: float
    step: int = 0


@dataclass(frozen=True)
class Entries:
    """What one call writes to a run."""

    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()


def search_start_entries(record: SearchRecord) -> Entries:
    """Return what the parent run says when the search begins."""
    tags = {
        names.TAG_KIND: names.KIND_SEARCH,
        names.TAG_SEARCH: record.name,
        names.TAG_METRIC: record.metric,
        names.TAG_DIRECTION: record.direction,
        **_fingerprint(record),
        **_own_tags(record.tags),
    }
    if record.uid:
        tags[names.TAG_SEARCH_UID] = record.uid
    params = {names.SEARCH_PREFIX + path: value for path, value in flatten(record.params)}
    return Entries(_params(params), _tags(tags))


def search_end_entries(record: SearchRecord, end: SearchEnd) -> Entries:
    """Return what the parent run says when the search has ended."""
    tags = {names.TAG_STATUS: end.status, **_own_tags(end.tags), names.TAG_NOTE: summary(record, end)}
    if end.best_trial is not None:
        tags[names.TAG_BEST_TRIAL] = str(end.best_trial)
    points = tuple(Point(_name(key), value, end.ended) for key, value in end.metrics.items() if _is_finite(value))
    return Entries(tags=_tags(tags), points=points)


def usage_entries(readings: UsageReadings) -> Entries:
    """Return what the parent run says about the use of the machine."""
    return Entries(
        points=tuple(
            Point(names.SYSTEM_PREFIX + key, value, reading.seconds, reading.step)
            for reading in readings.readings
            for key, value in reading.values.items()
            if _is_finite(value)
        )
    )


def trial_start_entries(search: SearchRecord, record: TrialRecord) -> Entries:
    """Return what a child run says when its trial begins."""
    spec = record.spec
    shared = {"family": spec.family, "space": spec.space, "origin": spec.origin, "seed": str(spec.seed)}
    tags = {
        names.TAG_KIND: names.KIND_TRIAL,
        names.TAG_SEARCH: search.name,
        names.TAG_TRIAL: str(spec.number),
        names.TAG_COHORT: str(record.cohort),
        names.TAG_LANE: str(record.lane),
        **{names.TAG_PREFIX + key: value for key, value in shared.items()},
        **_fingerprint(search),
    }
    if search.uid:
        tags[names.TAG_TRIAL_UID] = trial_uid(search, spec.number)
    recipes = record.recipe_names | recipe_fields(TrainingConfig)
    values = {**dict(flatten(asdict(spec.training))), **dict(flatten(spec.config))}
    marked = {_role_prefix(path, recipes) + path: value for path, value in values.items()}
    return Entries(_params({**shared, **marked}), _tags(tags))


def trial_uid(search: SearchRecord, number: int) -> str:
    """Return what the run of a trial is found by, empty where the search has no uid."""
    return f"{search.uid}/{number}" if search.uid else ""


def trial_end_entries(started: float, end: TrialEnd, *, training_rows: float = 0.0) -> Entries:
    """Return what the child run of a trial that began at `started` (seconds since the epoch) says when it has ended.

    `training_rows` are those of one fold; where they are not known, 0, there is no throughput.
    """
    outcome = end.outcome
    tags = {
        names.TAG_CAUSE: outcome.cause.value,
        names.TAG_LANES: str(outcome.lanes),
        names.TAG_ATTEMPTS: str(len(outcome.earlier) + 1),
    }
    if end.rungs:
        tags[names.TAG_RUNG] = str(sum(epoch <= outcome.epochs for epoch in end.rungs))
    if outcome.earlier:
        tags[names.TAG_EARLIER] = "\n".join(_attempt_line(attempt) for attempt in outcome.earlier)
    if outcome.device:
        tags[names.TAG_DEVICE] = outcome.device
    if outcome.message:
        tags[names.TAG_MESSAGE] = outcome.message
    points = (*_curve_points(outcome, started, end.ended), *_final_points(outcome, end.ended, training_rows))
    return Entries(tags=_tags(tags), points=tuple(point for point in points if _is_finite(point.value)))


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield a name and a text for each leaf; a list of plain values is one leaf, a list of tables is counted from 0.

    Example:
        >>> dict(flatten({"depth": 2, "widths": [64, 32], "stack": [{"units": 64, "norm": None}]}))
        {'depth': '2', 'widths': '[64, 32]', 'stack.0.units': '64', 'stack.0.norm': 'none'}
    """
    if isinstance(value, Mapping):
        children = [(str(key), child) for key, child in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value):
        children = [(str(index), child) for index, child in enumerate(value)]
    else:
        yield path, _text(value)
        return
    for key, child in children:
        yield from flatten(child, f"{path}.{key}" if path else key)


def summary(record: SearchRecord, end: SearchEnd) -> str:
    """Return the search in a few lines of Markdown."""
    lines = [
        f"**{_plain(record.name)}**: search {_plain(end.status)}, {_plain(record.metric)} ({record.direction})",
        "",
    ]
    if names.SCORE in end.metrics:
        trial = "" if end.best_trial is None else f", trial {end.best_trial}"
        lines.append(f"- best network: {end.metrics[names.SCORE]:.5g}{trial}")
    for key, value in end.metrics.items():
        if key.startswith(names.BASELINE_PREFIX):
            lines.append(f"- baseline {_plain(key.removeprefix(names.BASELINE_PREFIX))}: {value:.5g}")
    counts = [f"{end.metrics[key]:.0f} {key.rpartition('.')[2]}" for key in _COUNTS if key in end.metrics]
    if counts:
        lines.append(f"- trials: {', '.join(counts)}")
    return "\n".join(lines)


def _attempt_line(attempt: FailedAttempt) -> str:
    lanes = "alone" if attempt.lanes == 1 else f"with {attempt.lanes} lanes"
    return f"cohort {attempt.cohort}, {lanes}: {attempt.cause.value}: {' '.join(attempt.message.split())[:500]}"


def _curve_points(outcome: TrialOutcome, started: float, ended: float) -> Iterator[Point]:
    """Yield the curves; nobody timed the epochs, so they are spread evenly over the trial."""
    curve = outcome.curve
    series = {
        names.EPOCH_LOSS: curve.loss,
        names.EPOCH_VALIDATION_LOSS: curve.validation_loss,
        names.EPOCH_SCORE: curve.score,
    }
    for key, values in series.items():
        for epoch, value in enumerate(values, start=1):
            yield Point(key, value, started + (ended - started) * epoch / len(values), epoch)


def _final_points(outcome: TrialOutcome, ended: float, training_rows: float) -> Iterator[Point]:
    yield Point(names.SECONDS, outcome.seconds, ended)
    yield Point(names.EPOCHS, outcome.epochs, ended)
    if outcome.parameters:
        yield Point(names.PARAMETERS, outcome.parameters, ended)
    if outcome.status is TrialStatus.FAILED or outcome.score is None:
        return
    yield Point(names.SCORE, outcome.score, ended)
    yield Point(names.BEST_EPOCH, outcome.best_epoch, ended)
    if training_rows and outcome.seconds:
        num_rows = training_rows * max(1, len(outcome.fold_scores)) * outcome.epochs
        yield Point(names.ROWS_PER_SECOND, num_rows / outcome.seconds, ended)
    if len(outcome.fold_scores) > 1:
        for fold, score in enumerate(outcome.fold_scores):
            yield Point(names.FOLD_SCORE, score, ended, fold)


def _role_prefix(path: str, recipes: frozenset[str]) -> str:
    """A nested value is recipe when its own path or anything above it is named as recipe."""
    parts = path.split(".")
    is_recipe = any(".".join(parts[:length]) in recipes for length in range(1, len(parts) + 1))
    return names.RECIPE_PREFIX if is_recipe else names.STRUCTURE_PREFIX


def _fingerprint(record: SearchRecord) -> dict[str, str]:
    fingerprint = record.data.get("fingerprint")
    return {} if fingerprint is None else {names.TAG_FINGERPRINT: str(fingerprint)}


def _own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    prefix = names.TAG_PREFIX
    return {key if key.startswith(prefix) else prefix + key: str(value) for key, value in tags.items()}


def _params(values: Mapping[str, str]) -> dict[str, str]:
    return {_name(key): _cut(value, MAX_PARAMETER_LENGTH) for key, value in values.items()}


def _tags(values: Mapping[str, str]) -> dict[str, str]:
    return {_name(key): _cut(value, MAX_TAG_LENGTH) for key, value in values.items()}


def _name(key: str) -> str:
    """Names become paths in some stores: what is no plain relative path, or too long, is made one."""
    plain = _REFUSED_CHARACTERS.sub("_", key)[:MAX_NAME_LENGTH].strip("/ ")
    if posixpath.normpath(plain) != plain:
        plain = plain.replace("/", "_")
    return f"_{plain.lstrip('.')}" if plain.startswith("..") or plain in ("", ".") else plain


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return json.dumps(list(value), default=str)
    return str(value)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _plain(text: str) -> str:
    """Text from outside must not become Markdown or markup in the description of a run."""
    return re.sub(r"[^\w.\- ]", "_", text)


def _is_finite(value: float) -> bool:
    """MLflow turns an infinity into 1.8e308, which ruins every axis; NaN says nothing."""
    return math.isfinite(value)
