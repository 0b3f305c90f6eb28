"""Folders of searches that are written down and never ran: as large and as hostile as a test needs."""

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_searches import draw_trial, write_explanation, write_given
from search_on_disk import write_events, write_result

from autokeras_lite.artifact.files import MANIFEST_FILE, MODEL_FILE, PREDICTIONS_FILE
from autokeras_lite.config import SearchConfig, as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import Event, cohort_begun, cohort_ended
from autokeras_lite.search.prepare import Prepared, prepare
from autokeras_lite.search.record import BestTrial, EnsembleSummary, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.search.trust import Trust
from autokeras_lite.trial import Cause, Curve, TrialOutcome, TrialSpec

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    "javascript:alert(3)",
    "{{ 7 * 7 }}{% raw %}",
    '<b>bold</b><a href="javascript:alert(4)">click</a><br>',
    "[x](javascript:alert(5)) ![i](http://evil.example/i.png) `a` ``` | # *b*",
    "%{x}<extra>%{customdata}</extra>",
    "</title></textarea></style><svg onload=alert(6)>",
    "turned \u202e round \u2066\x00\x1b[31m",
    "&lt;script&gt; &#60; \\u003cscript",
)
HARMLESS = tuple(f"name {index}" for index in range(len(HOSTILE)))
VERSIONS = {"python": "3.11.7", "autokeras_lite": "0.1.0", "keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.6"}
_LETTERS = 500


@dataclass(frozen=True)
class Words:
    """The words that a person, or the data, put into a search."""

    name: str = "credit"
    target: str = "income"
    classes: tuple[str, ...] = ("no", "yes")
    columns: tuple[str, ...] = ("age", "wage", "town")
    values: tuple[str, ...] = ("Ulm", "Bonn", "Kiel")
    message: str = "The loss became NaN in epoch 3."
    origin: str = "tpe"
    notes: tuple[str, ...] = field(default_factory=tuple)

    @classmethod
    def all_from(cls, words: Sequence[str], name: str) -> "Words":
        """Use these words wherever there is room for one."""
        some = tuple(words)
        return cls(
            name, some[0] + " target", some, tuple(f"{word} c" for word in some), some, "\n".join(some), some[3], some
        )


def write_search(runs: Path, *, words: Words | None = None, num_trials: int = 24, stopped: str = "") -> Path:
    """Write the folder of a classification with so many trials below `runs` and return it."""
    told = words or Words()
    folder = SearchFolder(runs / told.name)
    frame = _frame(told)
    config = as_search_config({"time_limit": "5m", "runs_dir": str(runs)}, name="written", targets=(told.target,))
    prepared = prepare(read_dataset(frame, config.columns, name="written"), config)
    drawn = [draw_trial(number, told.origin) for number in range(1, num_trials + 1)]
    trials = [(spec, _outcome(spec.number, num_trials, told)) for spec, _ in drawn]
    best = max((pair for pair in trials if pair[1].score is not None), key=lambda pair: pair[1].score or 0.0)
    _write_record(folder, prepared, config)
    _write_trials(folder, trials, {spec.number: values for spec, values in drawn})
    _write_model(folder, prepared, config, best)
    summary = _summary(folder, told, best, trials)
    folder.write_summary(replace(summary, stopped=stopped))
    return folder.path


def _frame(words: Words) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    num_rows = 60 * len(words.classes)
    classes = np.repeat(np.arange(len(words.classes)), 60)
    columns: dict[str, Any] = {}
    for index, name in enumerate(words.columns):
        if index % 3 == 2:
            columns[name] = [words.values[one] for one in generator.integers(0, len(words.values), num_rows)]
        else:
            columns[name] = np.where(generator.random(num_rows) < 0.05, np.nan, generator.normal(classes, 1.0))
    frame = pd.DataFrame(columns)
    frame[words.target] = [words.classes[code] for code in classes]
    return frame


def _outcome(number: int, num_trials: int, words: Words) -> TrialOutcome:
    if number % 11 == 5:
        return TrialOutcome(number, Cause.DIVERGED, seconds=1.5, message=words.message)
    score = 0.7 + 0.2 * (1 - math.exp(-number / num_trials)) + 0.02 * math.sin(7.0 * number)
    curve = [score - 0.1 / (epoch + 1) for epoch in range(10)]
    losses = tuple(0.7 - 0.03 * epoch for epoch in range(10))
    cause = Cause.PRUNED if number % 3 == 0 else Cause.OK
    return TrialOutcome(
        number,
        cause,
        score=score,
        fold_scores=(score,),
        best_epoch=10,
        epochs=10,
        curve=Curve(losses, losses, tuple(curve)),
        seconds=2.0 + number % 5,
        parameters=10_000 + 17 * number,
        lanes=2,
        device="CPU",
    )


def _write_record(folder: SearchFolder, prepared: Prepared, config: SearchConfig) -> None:
    asked = json.loads(json.dumps(config.to_json()))
    print_of_data = "ab43ad61e51c80a7f1058ee5a2c82ffc"
    request = SearchRequest("1" * 32, asked, {}, print_of_data, VERSIONS, "/data/credit.csv")
    write_given(folder, prepared, config, request)


def _write_trials(
    folder: SearchFolder, trials: Sequence[tuple[TrialSpec, TrialOutcome]], values: Mapping[int, dict[str, Any]]
) -> None:
    events: list[Event] = []
    for spec, outcome in trials:
        write_result(folder, spec, outcome)
        at = 3.0 * spec.number
        begun = cohort_begun(spec.number, 1, {spec.number: values[spec.number]})
        events += [{**begun, "at": at}, {**cohort_ended(spec.number, [outcome]), "at": at + 2.5}]
    write_events(folder, events)


def _write_model(
    folder: SearchFolder, prepared: Prepared, config: SearchConfig, best: tuple[TrialSpec, TrialOutcome]
) -> None:
    folder.artifact.mkdir()
    manifest = Blueprint.of(prepared, config).manifest.to_json()
    manifest |= {"trial": best[0].to_json(), "score": best[1].score, "created": "2026-01-02T03:04:05+00:00"}
    (folder.artifact / MANIFEST_FILE).write_text(json.dumps(manifest))
    _predictions(prepared).to_parquet(folder.artifact / PREDICTIONS_FILE)
    write_model_file(folder.artifact / MODEL_FILE, [network_layers()])
    write_explanation(folder.path, [column.name for column in prepared.profile.kept], best[0].number)


def _predictions(prepared: Prepared) -> pd.DataFrame:
    fold, generator = prepared.data.folds[0], np.random.default_rng(1)
    rows = np.asarray(fold.validation_rows)
    truth = prepared.dataset.targets.iloc[rows].reset_index(drop=True).add_prefix("actual.")
    codes = np.asarray(prepared.data.labels)[rows].ravel().astype(int)
    given = generator.random((len(rows), len(prepared.task.classes)))
    given[np.arange(len(rows)), codes] += 1.0
    given[np.arange(5), codes[:5]] = 0.0  # these are wrong
    given /= given.sum(axis=1, keepdims=True)
    named = pd.DataFrame(given, columns=[f"predicted.{name}" for name in prepared.task.classes])
    return pd.concat([pd.DataFrame({"row": rows, "fold": 0}), truth, named], axis=1)


def _summary(
    folder: SearchFolder,
    words: Words,
    best: tuple[TrialSpec, TrialOutcome],
    trials: Sequence[tuple[TrialSpec, TrialOutcome]],
) -> SearchSummary:
    spec, outcome = best
    assert outcome.score is not None
    causes = [one.cause for _, one in trials]
    counts = TrialCounts(causes.count(Cause.OK), causes.count(Cause.PRUNED), causes.count(Cause.DIVERGED))
    return SearchSummary(
        name=words.name,
        task="binary" if len(words.classes) == 2 else "multiclass",
        metric="roc_auc" if len(words.classes) == 2 else "log_loss",
        direction="maximize",
        best=BestTrial(spec.number, spec.family, spec.space, {**spec.config}, outcome.score, 0.871),
        trials=counts,
        seconds=298.4,
        baselines={"constant": 0.5, "linear": 0.74, "gradient_boosting": None},
        verdict="The best network (roc_auc 0.8642) beats the linear baseline (0.7400) by 0.1242.",
        artifact=str(folder.artifact),
        tracking=TrackingPlace("sqlite:////data/mlflow.db", "1", "8f3a"),
        notes=("A table: rows of columns.", *words.notes),
        ensemble=EnsembleSummary({str(spec.number): 0.6, "2": 0.4}, outcome.score + 0.004, 0.0011, 0.0004, 1.08),
        trust=_trust(spec.number, outcome.score, len(trials)),
    )


def _trust(best: int, score: float, num_trials: int) -> Trust:
    return Trust(
        metric="roc_auc",
        direction="maximize",
        trials=num_trials,
        rows=240,
        best=best,
        score=score,
        corrected=score - 0.01,
        low=score - 0.04,
        high=score + 0.02,
        level=0.9,
        equals=(1, best),
        smallest=1,
        fastest=None,
        default=1,
        default_score=0.71,
        gain=0.041,
        gain_error=0.012,
        overtuned=False,
    )


# --- model files -----------------------------------------------------------------------------------------------------


def layer(kind: str, name: str, inputs: Sequence[tuple[str, Sequence[int | None]]] = (), **settings: Any) -> Any:
    """Return a layer as Keras writes it; `inputs` are names and shapes."""
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"shape": list(shape), "keras_history": [source, 0, 0]}}
        for source, shape in inputs
    ]
    args = [tensors] if len(tensors) > 1 else tensors
    module = settings.pop("module", "keras.layers")
    nodes = [{"args": args, "kwargs": {}}] if tensors else []
    values = {"name": name, **settings}
    return {"module": module, "class_name": kind, "name": name, "config": values, "inbound_nodes": nodes}


def network_layers() -> list[Any]:
    """Return a network with a shortcut, embeddings of many columns, and layers that are too small for a box."""
    wide, codes = [None, 64], [None, 4]
    columns = [layer("GetItem", f"item_{n}", [("codes", codes)], module="keras.src.ops.numpy") for n in range(4)]
    embedded = [
        layer("Embedding", f"embed_{n}", [(f"item_{n}", [None])], input_dim=10, output_dim=2 + n) for n in range(4)
    ]
    parts = [("numbers", [None, 6]), *((f"embed_{n}", [None, 2 + n]) for n in range(4))]
    return [
        layer("InputLayer", "numbers", batch_shape=[None, 6]),
        layer("InputLayer", "codes", batch_shape=codes),
        *columns,
        *embedded,
        layer("Concatenate", "features", parts),
        layer("Dense", "dense_0", [("features", [None, 20])], units=64, activation="linear"),
        layer("BatchNormalization", "norm_0", [("dense_0", wide)]),
        layer("Activation", "activation_0", [("norm_0", wide)], activation="relu"),
        layer("Dropout", "dropout_0", [("activation_0", wide)], rate=0.1),
        layer("Dense", "dense_1", [("dropout_0", wide)], units=64, activation="gelu"),
        layer("Add", "add_1", [("dropout_0", wide), ("dense_1", wide)]),
        layer("Dense", "outputs", [("add_1", wide)], units=1, activation="linear"),
    ]


def write_model_file(path: Path, networks: Sequence[Sequence[Any]]) -> None:
    """Write what stands of networks in a model file; several are those of an ensemble."""

    def functional(name: str, layers: Sequence[Any]) -> Any:
        outputs = {"layers": list(layers), "output_layers": [layers[-1]["name"], 0, 0]}
        return {"class_name": "Functional", "name": name, "config": outputs, "inbound_nodes": []}

    if len(networks) == 1:
        inner = functional("network", networks[0])
    else:
        parts = [functional(f"network_{place}", layers) for place, layers in enumerate(networks, start=1)]
        inner = functional("network", parts)
    config = functional("model", [inner])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"weights")
