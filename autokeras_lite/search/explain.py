"""Why a search ended as it did: which columns its model goes by, and which hyperparameters mattered."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.artifact.files import PREDICTIONS_FILE, sha256
from autokeras_lite.artifact.load import Artifact
from autokeras_lite.config import ColumnRoles, SearchConfig
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode import raw_inputs
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.gate import drop_unlabelled
from autokeras_lite.data.read import read_dataset
from autokeras_lite.durable import write_json
from autokeras_lite.errors import ArtifactError, DataError, SpaceError
from autokeras_lite.search.column_importance import COLUMNS, affordable_rows, column_importance
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import read_events
from autokeras_lite.search.parameter_importance import COLUMNS as PARAMETER_COLUMNS
from autokeras_lite.search.parameter_importance import FEWEST_TRIALS, parameter_importance
from autokeras_lite.search.prepare import read_more_rows
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.spaces.domain import Value
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.trial import TrialOutcome, TrialSpec, TrialStatus

DEFAULT_SECONDS = 60.0
_REPEATS = 5
_GIVE_THEM = "Give labelled rows: `--data FILE` on the command line, `explain(data)` in Python."

Scored = tuple[Mapping[str, Value], float]
Valued = tuple[Mapping[str, Value], TrialSpec, TrialOutcome]


@dataclass(frozen=True)
class Explanation:
    """Which columns and which hyperparameters mattered.

    `columns` is described at `column_importance`, `parameters` at `parameter_importance` (spaces follow each other by
    name). `notes` are sentences on how the numbers came about, and why some are missing.
    """

    columns: pd.DataFrame
    parameters: pd.DataFrame
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        tables = {"columns": self.columns, "parameters": self.parameters}
        records = {name: json.loads(t.to_json(orient="records", double_precision=15)) for name, t in tables.items()}
        return {**records, "notes": list(self.notes)}


class _NotMeasuredError(Exception):
    """Something cannot be measured; the text says why, for a person."""


@dataclass(frozen=True)
class _Judges:
    """Labelled rows by which the model is judged, and what a person should know of them."""

    rows: Dataset
    notes: tuple[str, ...] = ()


def explain_search(
    folder: SearchFolder, artifact: Artifact, data: Any = None, *, seconds: float = DEFAULT_SECONDS
) -> Explanation:
    """Say which columns the best model goes by and which hyperparameters mattered; also write `explanation.json`.

    Columns are shuffled among the validation rows. These are taken from the file that was searched, or from `data`;
    where `data` are other rows than those of the search, all of them judge. What cannot be said is left out, and a note
    says why. `seconds` are for the columns, without the loading of the model.

    Raises:
        DataError: `data` cannot be read, or lack a target.
        ArtifactError: `data` lack columns, or a file of the search is damaged.
        StorageError: the disk is full.
    """
    columns, told = _explain_columns(folder, artifact, data, seconds)
    manifest = artifact.manifest
    direction, trials = manifest.task.direction, _trials_with_values(folder)
    parameters, also_told = explain_parameters(folder.read_request(), trials, direction, manifest.trial.space)
    explanation = Explanation(columns, parameters, (*told, *also_told))
    about = {"trial": manifest.trial.number, "metric": manifest.task.metric}
    with suppress(PermissionError):  # somebody else's search can be explained too
        write_json(folder.explanation, {**about, **explanation.to_json()})
    return explanation


# --- columns ---------------------------------------------------------------------------------------------------------


def _explain_columns(
    folder: SearchFolder, artifact: Artifact, data: Any, seconds: float
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    try:
        judges = _judges(folder.read_request(), artifact, data)
        found = _shuffle_columns(judges.rows, artifact, seconds)
    except _NotMeasuredError as reason:
        return pd.DataFrame(columns=list(COLUMNS)), (str(reason),)
    except DataError as error:
        if data is not None:
            raise
        return pd.DataFrame(columns=list(COLUMNS)), (str(error),)
    num_columns = len(artifact.manifest.encoding.raw_names)
    return found, (*judges.notes, *_notes_on_work(found, len(judges.rows), num_columns, seconds))


def _shuffle_columns(rows: Dataset, artifact: Artifact, seconds: float) -> pd.DataFrame:
    manifest = artifact.manifest
    frame = rows.frame.set_axis([str(name) for name in rows.frame], axis=1)
    raw_inputs(manifest.encoding, frame[:1])  # says in words which columns are missing
    targets = rows.targets.set_axis(list(manifest.task.targets), axis=1)
    return column_importance(
        artifact.predict_units,
        frame[list(manifest.encoding.raw_names)],
        encode_targets(manifest.task, targets, np.arange(len(rows))).labels,
        manifest.task,
        repeats=_REPEATS,
        seed=manifest.seeds["search"],
        seconds=seconds,
    )


def _notes_on_work(found: pd.DataFrame, num_rows: int, num_columns: int, seconds: float) -> list[str]:
    """Say what was left out to save time."""
    notes, used = [], affordable_rows(num_rows, num_columns)
    if used < num_rows:
        notes.append(f"Columns were shuffled among {used:,} of the {num_rows:,} rows, drawn at random.")
    missing = num_columns - len(found)
    if missing:
        notes.append(
            f"{missing:,} of {num_columns:,} columns were not reached in {seconds:g} seconds. Give more `seconds`."
        )
    elif found["repeats"].min() < _REPEATS:
        notes.append(
            f"In {seconds:g} seconds some columns were shuffled {found['repeats'].min()} times instead of {_REPEATS}. "
            "Give more `seconds`."
        )
    return notes


def _judges(request: SearchRequest | None, artifact: Artifact, data: Any) -> _Judges:
    kind = artifact.manifest.encoding.kind
    if kind is not InputKind.TABLE:
        raise _NotMeasuredError(
            f"The importance of columns is measured for tables; the inputs of this model are of {kind}."
        )
    source = data if data is not None or request is None else request.data
    if source is None:
        raise _NotMeasuredError(
            f"The search was made from data in memory, which are needed to shuffle columns. {_GIVE_THEM}"
        )
    if data is None and not Path(source).exists():
        raise _NotMeasuredError(f"The data of the search, {source}, are gone, so no column was shuffled. {_GIVE_THEM}")
    given = None if request is None else _read_as_searched(source, request, artifact.manifest.name)
    if given is not None and request is not None:
        return _validation_rows(given, request, artifact)
    if data is None:
        raise _NotMeasuredError(
            f"The data of the search, {source}, have changed, so no column was shuffled. {_GIVE_THEM}"
        )
    rows = _read_other_rows(data, artifact)
    note = f"The data given are not those of the search: all their {len(rows):,} rows judge. Where the model was "
    return _Judges(rows, (f"{note}trained on some of them, importance is too large.",))


def _read_as_searched(source: Any, request: SearchRequest, name: str) -> Dataset | None:
    """Read rows as the search did; `None` if they are not the very rows that it had."""
    with suppress(DataError):
        given, _ = drop_unlabelled(read_dataset(source, SearchConfig.from_json(request.config).columns, name=name))
        return given if fingerprint(given) == request.fingerprint else None
    return None


def _read_other_rows(data: Any, artifact: Artifact) -> Dataset:
    encoding, task = artifact.manifest.encoding, artifact.manifest.task
    roles = ColumnRoles(() if isinstance(data, tuple) else task.targets)
    read = read_dataset(
        data, roles, name=artifact.manifest.name, kind=encoding.kind, text_columns=encoding.text_columns
    )
    rows, _ = drop_unlabelled(read)
    if len(rows) == 0:
        raise DataError("The data hold no row with a target. Expected labelled rows. Give others.")
    return rows


def _validation_rows(given: Dataset, request: SearchRequest, artifact: Artifact) -> _Judges:
    numbers, notes = _validation_numbers(artifact)
    config = SearchConfig.from_json(request.config)
    path = config.validation.path
    if path is None:
        return _Judges(given.take(numbers), notes)
    if not Path(path).is_file() or sha256(Path(path)) != request.content.get(path):
        raise _NotMeasuredError(f"The validation rows, {path}, are gone or have changed. {_GIVE_THEM}")
    more = read_more_rows(given, path, config)
    return _Judges(more.take(numbers - len(given)), notes)  # they stood behind the others


def _validation_numbers(artifact: Artifact) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the rows that judged the weights in the model file, as numbers in the data of the search."""
    file = artifact.folder / PREDICTIONS_FILE
    try:
        judged = pd.read_parquet(file, columns=["row", "fold"])
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{file} cannot be read ({type(error).__name__}). Expected the file that the search wrote. "
            "Restore the folder from a copy, or search again."
        ) from error
    told: tuple[str, ...] = ()
    if artifact.manifest.refit:
        told = (
            "The model was trained again on all rows, these too. So importance is measured on rows that it knows, and "
            "is too large for columns that it learned by heart.",
        )
    elif judged["fold"].nunique() > 1:
        judged = judged[judged["fold"] == 0]
        told = ("The model has the weights of the first fold: the validation rows of that fold judge.",)
    return np.unique(judged["row"].to_numpy(np.intp)), told  # in repeated folds a row judges several times


# --- hyperparameters -------------------------------------------------------------------------------------------------


def explain_parameters(
    request: SearchRequest | None,
    trials: Sequence[Valued],
    direction: Literal["maximize", "minimize"],
    space_name: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Say which hyperparameters mattered, in `parameter_importance`'s rows for each space, and what is missing and why.

    `trials` come with the flat values that the journal has of them. `space_name` is the space to speak of where no
    trial has come to its end.
    """
    completed = [(values, spec, outcome) for values, spec, outcome in trials if values and _is_completed(outcome)]
    frames, notes = list[pd.DataFrame](), list[str]()
    for name in sorted({spec.space for _, spec, _ in completed}) or [space_name]:
        of_space = [one for one in completed if one[1].space == name]
        try:
            _check_enough(name, len(of_space))
            space = _find_space(name, request)
            scored = _scored(space, of_space)
            _check_enough(name, len(scored))
            frames.append(parameter_importance(space, scored, direction))
        except SpaceError as error:
            notes.append(f"The file of space {name} is gone or has changed since the search. {error}")
        except _NotMeasuredError as reason:
            notes.append(str(reason))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(PARAMETER_COLUMNS)), notes


def _trials_with_values(folder: SearchFolder) -> list[Valued]:
    """Return each trial that was begun with its flat values."""
    begun = [event for event in read_events(folder.journal) if event["event"] == "begun"]
    values = {int(number): chosen for event in begun for number, chosen in event["trials"].items()}
    return [(values[s.number], s, outcome) for s, outcome in folder.read_trials() if s.number in values]


def _is_completed(outcome: TrialOutcome) -> bool:
    return outcome.status is TrialStatus.COMPLETED and outcome.score is not None and math.isfinite(outcome.score)


def _check_enough(name: str, num_trials: int) -> None:
    if num_trials < FEWEST_TRIALS:
        counted = f"{num_trials} completed {'trial' if num_trials == 1 else 'trials'}"
        raise _NotMeasuredError(
            f"Space {name} has {counted}. The importance of its hyperparameters is measured from {FEWEST_TRIALS} up."
        )


def _find_space(name: str, request: SearchRequest | None) -> SearchSpace:
    """Return the space of that name, from the file that was searched.

    Raises:
        SpaceError: there is no such file any more, or it is wrong.
    """
    asked = () if request is None else SearchConfig.from_json(request.config).strategy.spaces
    return load_space(next((file for file in asked if Path(file).stem == name), name))


def _scored(space: SearchSpace, trials: Sequence[Valued]) -> list[Scored]:
    """Return values and score of trials, without those that for lack of memory had smaller batches than asked for.

    Raises:
        SpaceError: values are no configuration of the space.
    """
    scored = []
    for values, spec, outcome in trials:
        asked = space.assemble(values)[1].batch_size
        if outcome.score is not None and asked in (0, spec.training.batch_size):
            scored.append((values, outcome.score))
    return scored
