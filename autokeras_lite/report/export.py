"""All trials of a search as flat records, for spreadsheets and for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.report.facts import Facts, TrialFacts, read_facts
from autokeras_lite.report.wording import json_values
from autokeras_lite.search.leaderboard import flatten_config
from autokeras_lite.trial import TrainingConfig, TrialSpec, recipe_fields

COLUMNS = (
    "trial", "state", "cause", "score", "family", "space", "origin", "cohort", "lanes", "seed", "seconds", "begun",
    "ended", "best_epoch", "epochs", "parameters", "device", "attempts", "message",
)  # fmt: skip
STRUCTURE, RECIPE = "structure.", "recipe."


def trials_frame(folder: Path) -> pd.DataFrame:
    """Return one row for each trial, in the order of the trials: `COLUMNS`, then `structure.*` and `recipe.*`.

    `begun` and `ended` are seconds of the search.

    Raises:
        ArtifactError: there is no search, or a record is damaged.
    """
    records = [_record(trial) for trial in read_facts(folder).trials]
    names = list(dict.fromkeys(name for record in records for name in record if name not in COLUMNS))
    return pd.DataFrame(records, columns=[*COLUMNS, *sorted(names, key=lambda name: (name.startswith(RECIPE), name))])


def trial_lines(folder: Path) -> Iterator[str]:
    """Yield one JSON object for each trial: what `trials_frame` has, with the curves and the scores of the folds.

    What is not finite is null.

    Raises:
        ArtifactError: there is no search, or a record is damaged.
    """
    facts: Facts = read_facts(folder)
    for trial in facts.trials:
        outcome = trial.outcome
        more = {"fold_scores": outcome.fold_scores, "curves": asdict(outcome.curve)}
        yield json.dumps(json_values({**_record(trial), **more}), allow_nan=False, default=str)


def _record(trial: TrialFacts) -> dict[str, Any]:
    spec, outcome = trial.spec, trial.outcome
    return {
        "trial": spec.number,
        "state": str(outcome.status),
        "cause": str(outcome.cause),
        "score": outcome.score,
        "family": spec.family,
        "space": spec.space,
        "origin": spec.origin,
        "cohort": trial.cohort,
        "lanes": outcome.lanes,
        "seed": spec.seed,
        "seconds": outcome.seconds,
        "begun": trial.begun,
        "ended": trial.ended,
        "best_epoch": outcome.best_epoch,
        "epochs": outcome.epochs,
        "parameters": outcome.parameters,
        "device": outcome.device,
        "attempts": 1 + len(outcome.earlier),
        "message": outcome.message,
        **_settings(spec),
    }


def _settings(spec: TrialSpec) -> dict[str, Any]:
    """Return the configuration under flat names that say whether a value shapes the graph, as in the tracking store."""
    family = FAMILIES.get(spec.family)
    recipes = recipe_fields(TrainingConfig) | (recipe_fields(family.config_type) if family else frozenset())
    values = flatten_config({**asdict(spec.training), **spec.config})
    return {f"{RECIPE if _is_recipe(name, recipes) else STRUCTURE}{name}": value for name, value in values.items()}


def _is_recipe(name: str, recipes: frozenset[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in recipes for length in range(1, len(parts) + 1))
