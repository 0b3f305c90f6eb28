"""What a model file needs beside a trial: kept on disk, so that the best trial of any moment becomes a model later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.artifact.files import MOST_DESCRIPTION_BYTES, MOST_DESCRIPTION_VALUES
from autokeras_lite.artifact.manifest import Manifest, Member, Parity
from autokeras_lite.artifact.request import ArtifactRequest, TrainedWeights
from autokeras_lite.config import SearchConfig
from autokeras_lite.data.encode import Encoding, Inputs
from autokeras_lite.durable import read_json, write_json
from autokeras_lite.search.course import Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.mixture import Mixture
from autokeras_lite.search.prepare import Prepared
from autokeras_lite.tasks.targets import decode_probabilities
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import TrainingConfig, TrialSpec

_PARITY_ROWS = 1000
_NO_PARITY = Parity(max_difference=0.0, rows=0)
_NO_TRIAL = TrialSpec(0, "", "", {}, TrainingConfig(), 0, "")
_FILE, _SAMPLE_TABLE, _SAMPLE_ARRAY, _TRUTH = "blueprint.json", "sample.parquet", "sample.npy", "truth.parquet"


@dataclass(frozen=True)
class Weights:
    """Where final weights lie, what encodes their inputs, how their outputs become values, how many rows taught them.

    `refit` says that they were trained anew after the score was measured.
    """

    file: Path
    encoding: Encoding
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]
    training_rows: int
    refit: bool


@dataclass(frozen=True)
class Blueprint:
    """The manifest without its trial; scaling of the first fold; raw rows for the parity check; what judged the trials.

    `truth` has the columns `row`, `fold` and `actual.TARGET` for the validation rows of every fold, in order.
    """

    manifest: Manifest
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]
    sample: Inputs
    truth: pd.DataFrame

    @classmethod
    def of(cls, prepared: Prepared, config: SearchConfig) -> "Blueprint":
        """Take from what was prepared what a model file needs."""
        first = prepared.data.folds[0]
        manifest = Manifest(
            name=config.place.name,
            task=prepared.task,
            encoding=prepared.encodings[0],
            trial=_NO_TRIAL,
            score=float("nan"),
            fold_scores=(),
            seeds={"search": config.strategy.seed},
            data_fingerprint=prepared.profile.fingerprint,
            training_rows=len(first.train_rows),
            parity=_NO_PARITY,
            notes=prepared.notes,
        )
        truth = pd.concat(
            [_truth(prepared, fold.validation_rows, number) for number, fold in enumerate(prepared.data.folds)],
            ignore_index=True,
        )
        center, scale = np.asarray(first.target_center), np.asarray(first.target_scale)
        return cls(manifest, center, scale, prepared.dataset.inputs[:_PARITY_ROWS], truth)

    def write(self, folder: Path) -> None:
        """Write everything to `folder`; the file with the manifest comes last, and says that all is there."""
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(self.sample, pd.DataFrame):
            self.sample.reset_index(drop=True).to_parquet(folder / _SAMPLE_TABLE)
        else:
            np.save(folder / _SAMPLE_ARRAY, self.sample, allow_pickle=False)
        self.truth.to_parquet(folder / _TRUTH)
        scaling = {"center": self.target_center.tolist(), "scale": self.target_scale.tolist()}
        write_json(folder / _FILE, {"manifest": self.manifest.to_json(), **scaling})

    @classmethod
    def open(cls, folder: Path) -> "Blueprint":
        """Read what `write` left."""
        values = read_json(folder / _FILE, most_bytes=MOST_DESCRIPTION_BYTES, most_values=MOST_DESCRIPTION_VALUES)
        table = folder / _SAMPLE_TABLE
        sample = pd.read_parquet(table) if table.exists() else np.load(folder / _SAMPLE_ARRAY, allow_pickle=False)
        scaling = np.asarray(values["center"], np.float64), np.asarray(values["scale"], np.float64)
        return cls(Manifest.from_json(values["manifest"]), *scaling, sample, pd.read_parquet(folder / _TRUTH))

    def request(self, folder: SearchFolder, best: Finished, weights: Weights | None = None) -> ArtifactRequest:
        """Ask for the model file of a trial, with the weights that were measured (of the first fold) or with others."""
        spec, outcome = best
        weights = weights or self.measured_weights(folder, spec)
        manifest = replace(
            self.manifest,
            encoding=weights.encoding,
            trial=spec,
            score=float("nan") if outcome.score is None else outcome.score,
            fold_scores=outcome.fold_scores,
            seeds={**self.manifest.seeds, "weights": spec.seed},
            training_rows=weights.training_rows,
            refit=weights.refit,
        )
        return ArtifactRequest(
            folder=folder.artifact,
            weights=(TrainedWeights(weights.file, weights.target_center, weights.target_scale),),
            manifest=manifest,
            sample=self.sample,
            predictions=self._predictions(folder, spec),
        )

    def mixed_request(self, folder: Path, mixture: Mixture, weights: Sequence[Weights]) -> ArtifactRequest:
        """Ask for one model file in `folder` of several trials, or of one that is calibrated; `weights` are theirs."""
        (first, _), *_ = mixture.members[0]
        is_one = len(mixture.members) == 1
        manifest = replace(
            self.manifest,
            encoding=weights[0].encoding,
            trial=first,
            score=mixture.score,
            fold_scores=mixture.fold_scores,
            seeds={**self.manifest.seeds, "weights": first.seed},
            training_rows=weights[0].training_rows,
            refit=weights[0].refit,
            members=() if is_one else tuple(Member(spec, share) for (spec, _), share in mixture.members),
            temperature=mixture.temperature,
        )
        predicted = _readable(self.manifest.task, mixture.predictions).add_prefix("predicted.")
        return ArtifactRequest(
            folder=folder,
            weights=tuple(TrainedWeights(one.file, one.target_center, one.target_scale) for one in weights),
            manifest=manifest,
            sample=self.sample,
            predictions=pd.concat([self.truth, predicted], axis=1),
        )

    def measured_weights(self, folder: SearchFolder, spec: TrialSpec) -> Weights:
        """Return the weights of a trial that were measured: those of the first fold."""
        return Weights(
            folder.trial(spec.number) / "weights-0.npz",
            self.manifest.encoding,
            self.target_center,
            self.target_scale,
            self.manifest.training_rows,
            refit=False,
        )

    def _predictions(self, folder: SearchFolder, spec: TrialSpec) -> pd.DataFrame:
        """Return a trial's predictions of the rows that judged it, beside what they should have been."""
        with np.load(folder.trial(spec.number) / "predictions.npz", allow_pickle=False) as stored:
            folds = range(self.truth["fold"].nunique())
            values = np.concatenate([stored[f"fold-{fold}"] for fold in folds])
        predicted = _readable(self.manifest.task, values).add_prefix("predicted.")
        return pd.concat([self.truth, predicted], axis=1)


def _truth(prepared: Prepared, rows: NDArray[np.int64], fold: int) -> pd.DataFrame:
    actual = prepared.dataset.targets.iloc[rows].reset_index(drop=True).add_prefix("actual.")
    return pd.concat([pd.DataFrame({"row": np.asarray(rows), "fold": fold}), actual], axis=1)


def _readable(task: Task, predictions: NDArray[np.float64]) -> pd.DataFrame:
    if task.kind is TaskKind.REGRESSION:
        return pd.DataFrame(predictions, columns=list(task.targets))
    return decode_probabilities(task, predictions)
