"""Folders of searches that trained nothing, written by what writes those of real ones."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from search_on_disk import write_events, write_result

from autokeras_lite.artifact.files import MANIFEST_FILE, PREDICTIONS_FILE
from autokeras_lite.config import SearchConfig, as_search_config
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.read import read_dataset
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.search.account import summarise
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import Event, cohort_begun, cohort_broke, cohort_ended, rung_reached
from autokeras_lite.search.prepare import Prepared, describe_data, prepare
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.trial import Cause, Curve, TrialOutcome, TrialSpec

KINDS = ("binary", "multiclass", "many_classes", "multilabel", "regression", "several_values")
ARRAY_KINDS = ("images", "tokens", "sequences", "forecast")
STEPS = 4
HOSTILE = '<img src=x onerror="alert(1)">'
HOSTILE_LINK = '<a href="https://evil.example">=1+1 $\\href{x}{y}$</a>'
_ROWS = 240
BASELINES = (Baseline("constant", 0.5, 0.0), Baseline("linear", 0.8, 0.2), Baseline("gradient_boosting", 0.83, 0.4))


def make_frame(kind: str, *, hostile: bool = False, rows: int = _ROWS) -> tuple[pd.DataFrame, list[str]]:
    """Return a table and its targets."""
    dice = np.random.default_rng(0)
    column = HOSTILE if hostile else "colour"
    levels = [HOSTILE, "blue", HOSTILE_LINK] if hostile else ["red", "blue", "green"]
    x = dice.normal(size=rows)
    frame = pd.DataFrame({"size": x.round(3), column: dice.choice(levels, rows), "weight": dice.gamma(2.0, size=rows)})
    yes, no = (HOSTILE, HOSTILE_LINK) if hostile else ("yes", "no")
    target = HOSTILE_LINK if hostile else "y"
    if kind == "binary":
        frame[target] = np.where(x + dice.normal(size=rows) > 0.4, yes, no)
    elif kind == "multiclass":
        frame[target] = np.array([yes, no, "perhaps"])[np.digitize(x + dice.normal(size=rows), [-0.5, 0.8])]
    elif kind == "many_classes":
        frame[target] = [f"class {number % 50}" for number in dice.permutation(rows)]
    elif kind == "multilabel":
        frame[target], frame["second"] = (x > 0).astype(int), (dice.normal(size=rows) > 1).astype(int)
        return frame, [target, "second"]
    elif kind == "regression":
        frame[target] = 3 * x + dice.normal(size=rows)
    else:
        names = [target, "second", "third", "fourth", "fifth"]
        for name in names:
            frame[name] = x + dice.normal(size=rows)
        return frame, names
    return frame, [target]


def make_arrays(kind: str, rows: int = _ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of images, tokens, sequences, or windows that slide over a series."""
    dice = np.random.default_rng(0)
    classes = np.arange(rows) % 3
    if kind == "images":
        return dice.integers(0, 255, (rows, 12, 10, 3)).astype(np.uint8), classes
    if kind == "tokens":
        return dice.integers(1, 900, (rows, 40)), np.array(["sport", HOSTILE, "arts"])[classes]
    series = np.sin(np.arange(rows + 30) / 5) + 0.05 * dice.normal(size=rows + 30)
    windows = np.stack([series[place : place + 20] for place in range(rows)])[..., None]
    if kind == "sequences":
        return windows, classes
    return windows, np.stack([series[place + 20 : place + 20 + STEPS] for place in range(rows)])


def make_search(
    runs_dir: Path,
    kind: str = "binary",
    *,
    num_trials: int = 24,
    num_scored: int | None = None,
    is_finished: bool = True,
    has_times: bool = True,
    has_model: bool = True,
    hostile: bool = False,
) -> Path:
    """Write a search of `num_trials`, the first `num_scored` of them with a score, and return its folder."""
    frame: object
    if kind in ARRAY_KINDS:
        frame, targets = make_arrays(kind), []
    else:
        frame, targets = make_frame(kind, hostile=hostile, rows=2400 if kind == "many_classes" else _ROWS)
    options = {"runs_dir": str(runs_dir), "trials": max(1, num_trials), "validation": 0.3}
    options |= {"task": "multilabel"} if kind == "multilabel" else {}
    config = as_search_config(options, name=kind, targets=tuple(targets))
    given = read_dataset(frame, config.columns, name=kind)
    prepared = prepare(given, config)
    folder, blueprint = SearchFolder(config.place.folder), Blueprint.of(prepared, config)
    write_given(folder, prepared, config, SearchRequest.of(config, fingerprint(given), data=None, test=None))
    folder.note_seconds(4.0 * num_trials)
    finished, values = _make_trials(num_trials, num_trials if num_scored is None else num_scored)
    for spec, outcome in finished:
        write_result(folder, spec, outcome)
        np.savez(folder.trial(spec.number) / "predictions.npz", **{"fold-0": _predict(prepared, spec.number)})
    events = _events(finished, values)
    write_events(folder, [{**event, "at": at} if has_times else event for event, at in events])
    scored = [pair for pair in finished if pair[1].score is not None and math.isfinite(pair[1].score)]
    best = max(scored, key=lambda pair: pair[1].score, default=None)
    if prepared.task.direction == "minimize" and scored:
        best = min(scored, key=lambda pair: pair[1].score)
    if is_finished:
        summary = summarise(folder, blueprint.manifest, finished, best, BASELINES)
        folder.write_summary(replace(summary, seconds=4.0 * num_trials))
        if best is not None and has_model:
            folder.artifact.mkdir()
            request = blueprint.request(folder, best)
            request.predictions.to_parquet(folder.artifact / PREDICTIONS_FILE)
            (folder.artifact / MANIFEST_FILE).write_text(json.dumps(request.manifest.to_json()))
    return folder.path


def write_given(folder: SearchFolder, prepared: Prepared, config: SearchConfig, request: SearchRequest) -> None:
    """Write what is known before the first trial."""
    folder.trials.mkdir(parents=True)
    folder.write_request(request)
    Blueprint.of(prepared, config).write(folder.blueprint)
    folder.write_profile(describe_data(prepared))
    folder.write_baselines(BASELINES)


def write_explanation(folder: Path, columns: Sequence[str], trial: int = 1) -> None:
    """Write what `explain` found: each column matters less than the one before it."""
    records = [
        {"column": name, "importance": 0.1 / place, "low": 0.08 / place, "high": 0.15 / place, "repeats": 5}
        for place, name in enumerate(columns, start=1)
    ]
    parameters = [{"space": "tabular_mlp", "parameter": "dropout", "importance": 1.0, "trials": 20}]
    told = {"trial": trial, "metric": "roc_auc", "columns": records, "parameters": parameters, "notes": []}
    SearchFolder(folder).explanation.write_text(json.dumps(told))


@cache
def _space() -> SearchSpace:
    return load_space("tabular_mlp")


def draw_trial(number: int, origin: str = "tpe") -> tuple[TrialSpec, dict[str, Any]]:
    """Return a trial with the values that its space was asked for: the defaults for the first one, then random ones."""
    space = _space()
    values = space.defaults() if number == 1 else dict(space.suggest(RandomSuggester(number)))
    config, training = space.assemble(values)
    by = "default" if number == 1 else origin
    return TrialSpec(number, space.name, space.family, config, training, number, by), values


def _make_trials(number: int, num_scored: int):
    finished, values = [], {}
    for place in range(1, number + 1):
        spec, values[place] = draw_trial(place)
        finished.append((spec, _outcome(spec, has_score=place <= num_scored)))
    return finished, values


def _outcome(spec: TrialSpec, *, has_score: bool) -> TrialOutcome:
    if not has_score or spec.number % 11 == 10:
        return TrialOutcome(spec.number, Cause.DIVERGED, message="The loss became NaN in epoch 3.", lanes=4)
    cause = Cause.PRUNED if spec.number % 3 == 0 else Cause.OK
    epochs = 20 if cause is Cause.PRUNED else spec.training.epochs
    score = 0.7 + 0.2 * math.sin(spec.number) - (5.0 if spec.number == 7 else 0.0)
    steps = np.arange(1, epochs + 1)
    curve = Curve(tuple((1 / steps).tolist()), tuple((1 / steps + 0.1).tolist()), tuple((score - 0.3 / steps).tolist()))
    return TrialOutcome(
        spec.number, cause, score, (score,), epochs - 2, epochs, curve, 3.5, 1000 * spec.number, 4, "CPU"
    )


def _predict(prepared, seed: int) -> np.ndarray:
    """Return what a model might have said of the validation rows."""
    dice, task = np.random.default_rng(seed), prepared.task
    rows, labels = prepared.data.folds[0].validation_rows, prepared.data.labels
    truth = np.asarray(labels)[rows]
    if task.kind == "multiclass":
        raw = dice.gamma(1.0, size=(len(rows), task.units)) + 2.0 * np.eye(task.units)[truth]
        return raw / raw.sum(axis=1, keepdims=True)
    truth = truth.reshape(len(rows), -1)
    if task.kind == "regression":
        return truth + dice.normal(size=truth.shape)
    return 1 / (1 + np.exp(-(truth - 0.5) * 2 - dice.normal(size=truth.shape)))


def _events(finished, values) -> Iterator[tuple[Event, float]]:
    """Yield events with their times: of cohorts of four trials, two of them at a time; the last has not ended."""
    for place, start in enumerate(range(0, len(finished), 4)):
        some, at = finished[start : start + 4], 6.0 * (place // 2)
        numbers = {spec.number: values[spec.number] for spec, _ in some}
        cohort = 2 * place + 1
        yield cohort_begun(cohort, len(some), numbers), at
        yield cohort_broke(cohort, "OUT_OF_MEMORY_HOST", "no room"), at + 1
        yield cohort_begun(cohort + 1, len(some), numbers), at + 1
        yield rung_reached(cohort + 1, 0, dict.fromkeys(numbers, 0.5)), at + 2
        yield rung_reached(cohort + 1, 1, dict.fromkeys(list(numbers)[:2], 0.6)), at + 3
        yield cohort_ended(cohort + 1, [outcome for _, outcome in some]), at + 5.5
    if finished:
        yield cohort_begun(99, 1, {999: {}}), 20.0
