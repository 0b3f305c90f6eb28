"""Reading an artifact back, and predicting with it; Keras is loaded when the first prediction is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.artifact.check import check_model_file
from autokeras_lite.artifact.files import (
    MANIFEST_FILE,
    MODEL_FILE,
    MOST_DESCRIPTION_BYTES,
    MOST_DESCRIPTION_VALUES,
    sha256,
)
from autokeras_lite.artifact.manifest import READABLE_VERSIONS, Manifest
from autokeras_lite.data.encode import Inputs, raw_inputs
from autokeras_lite.durable import read_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.models.loading import load_keras
from autokeras_lite.tasks.targets import decode_labels, decode_probabilities

if TYPE_CHECKING:
    import keras

BATCH_ROWS = 4096

# Keras reads a config by trusting it; what a wrong one raises depends on where it is wrong.
_KERAS_ERRORS = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Artifact:
    """A saved model with its manifest."""

    folder: Path
    manifest: Manifest

    @cached_property
    def model(self) -> "keras.Model":
        """The Keras model of raw columns; call it with what `autokeras_lite.data.encode.raw_inputs` returns.

        Raises:
            ArtifactError: its file is not what a search writes, or Keras cannot read it.
        """
        check_model_file(self.folder / MODEL_FILE)
        load_keras()
        import keras

        try:
            model = keras.saving.load_model(self.folder / MODEL_FILE, compile=False, safe_mode=True)
        except _KERAS_ERRORS as error:
            raise ArtifactError(
                f"Keras cannot read the model in {self.folder} ({type(error).__name__}). Expected the file that the "
                "search wrote. Restore the folder from a copy, or install the version of Keras in its manifest."
            ) from error
        return prepare_to_predict(model)

    @classmethod
    def of_model(cls, folder: Path, manifest: Manifest, model: "keras.Model") -> Self:
        """Return an artifact whose model is in memory, as it is written to the folder."""
        artifact = cls(folder, manifest)
        vars(artifact)["model"] = model  # where `cached_property` keeps it
        return artifact

    def predict(self, inputs: Inputs) -> pd.DataFrame:
        """Return the predicted class, 0/1 or value of each row, one column for each target.

        Classes have the type that they had in the training targets; the index is that of `inputs`.

        Raises:
            ArtifactError: columns are missing, or an array has another shape than in training.
        """
        return _indexed(decode_labels(self.manifest.task, self.predict_units(inputs)), inputs)

    def predict_proba(self, inputs: Inputs) -> pd.DataFrame:
        """Return the probability of each class, or of each target of a multilabel task, one column for each.

        Raises:
            ArtifactError: columns are missing, or an array has another shape than in training.
            TaskError: a regression has no probabilities.
        """
        return _indexed(decode_probabilities(self.manifest.task, self.predict_units(inputs)), inputs)

    def predict_units(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return what the model puts out, `(rows, units)`: probabilities, or values for a regression.

        Raises:
            ArtifactError: columns are missing, or an array has another shape than in training.
        """
        pieces = [self._predict_batch(batch) for batch in _batches(inputs)]
        return np.concatenate(pieces).astype(np.float64)

    def _predict_batch(self, batch: Inputs) -> NDArray[np.float32]:
        raw = raw_inputs(self.manifest.encoding, batch)
        if not len(batch):
            return np.empty((0, self.manifest.task.units), np.float32)
        return np.asarray(self.model.predict_on_batch(raw))


def prepare_to_predict(model: "keras.Model") -> "keras.Model":
    """Let a model of raw columns predict any number of rows."""
    model.jit_compile = False  # text has no XLA form, and a program for each number of rows would be compiled
    return model


def load_artifact(folder: Path) -> Artifact:
    """Return the artifact in `folder`, after checking that it is whole; its model is loaded when it is first used.

    Raises:
        ArtifactError: there is no artifact, a newer version wrote it, or a file is missing or was changed.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise ArtifactError(
            f"No model was found in {folder}. Expected a folder with {MANIFEST_FILE} and {MODEL_FILE}. Check the name, "
            "or run the search to its end."
        )
    manifest = _read_manifest(path)
    model_file = folder / MODEL_FILE
    if not model_file.is_file() or sha256(model_file) != manifest.model_sha256:
        state = "was changed after it was written" if model_file.is_file() else "is missing"
        raise ArtifactError(
            f"The model file {model_file} {state}. Expected the file that {MANIFEST_FILE} describes. Restore the "
            "folder from a copy, or search again."
        )
    return Artifact(folder.absolute(), manifest)


def _read_manifest(path: Path) -> Manifest:
    values = read_json(path, most_bytes=MOST_DESCRIPTION_BYTES, most_values=MOST_DESCRIPTION_VALUES)
    try:
        written_by = values["format_version"]
        if written_by in READABLE_VERSIONS:
            return Manifest.from_json(values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(
            f"The manifest {path} is damaged ({type(error).__name__}: {str(error)[:80]}). Expected the file that the "
            "search wrote. Restore the folder from a copy, or search again."
        ) from error
    expected = " or ".join(map(str, READABLE_VERSIONS))
    raise ArtifactError(
        f"The model in {path.parent} has format {written_by}. Expected format {expected}. Install the version of "
        "autokeras_lite that wrote it."
    )


def _batches(inputs: Inputs) -> Iterator[Inputs]:
    for start in range(0, max(len(inputs), 1), BATCH_ROWS):
        chosen = slice(start, start + BATCH_ROWS)
        yield inputs.iloc[chosen] if isinstance(inputs, pd.DataFrame) else inputs[chosen]


def _indexed(predictions: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    return predictions.set_axis(inputs.index, axis=0) if isinstance(inputs, pd.DataFrame) else predictions
