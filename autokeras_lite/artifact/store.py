"""Writing an artifact: a folder that is either there with all its files, or not there."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import keras
import pandas as pd

from autokeras_lite.artifact.check import check_model_file
from autokeras_lite.artifact.files import (
    MANIFEST_FILE,
    MODEL_FILE,
    MOST_DESCRIPTION_BYTES,
    MOST_DESCRIPTION_VALUES,
    PREDICTIONS_FILE,
    sha256,
)
from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.durable import disk_faults, read_json, sync
from autokeras_lite.errors import ArtifactError


@dataclass(frozen=True)
class ArtifactContents:
    """What is written: the model of raw columns, what is said about it, and its predictions of the validation rows."""

    model: keras.Model
    manifest: Manifest
    validation_predictions: pd.DataFrame


def write_artifact(folder: Path, contents: ArtifactContents) -> Manifest:
    """Write an artifact to `folder`, in place of an earlier one, and return its manifest with the model's SHA-256.

    All files are written and flushed to disk in a folder beside it, which then takes the name: whoever looks sees the
    earlier artifact, none for a moment, or the new one, and never half of one.

    Raises:
        ArtifactError: whoever reads it would refuse it; the earlier one stays.
        StorageError: the disk is full.
    """
    folder = folder.absolute()
    beside = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        with disk_faults(folder):
            beside.mkdir(parents=True)
            manifest = _write_files(beside, contents)
            _check_files(beside)
            _replace(folder, beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def _write_files(folder: Path, contents: ArtifactContents) -> Manifest:
    contents.model.save(folder / MODEL_FILE)
    manifest = replace(contents.manifest, model_sha256=sha256(folder / MODEL_FILE))
    contents.validation_predictions.to_parquet(folder / PREDICTIONS_FILE)
    text = json.dumps(manifest.to_json(), indent=2, ensure_ascii=False)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    for path in (*folder.iterdir(), folder):
        sync(path)
    return manifest


def _check_files(folder: Path) -> None:
    """Refuse now what a reader would refuse when the search is long over."""
    try:
        check_model_file(folder / MODEL_FILE)
        read_json(folder / MANIFEST_FILE, most_bytes=MOST_DESCRIPTION_BYTES, most_values=MOST_DESCRIPTION_VALUES)
    except ArtifactError as error:
        why = str(error).partition(" Expected")[0].replace(f"{folder}/", "")
        raise ArtifactError(
            f"The model was written and cannot be read again: {why} Expected a smaller one. Search with fewer columns "
            "or levels, or please report this."
        ) from error


def _replace(folder: Path, beside: Path) -> None:
    earlier = beside.with_name(f"{beside.name}.earlier")
    if folder.exists():
        folder.rename(earlier)
    beside.rename(folder)
    sync(folder.parent)
    shutil.rmtree(earlier, ignore_errors=True)
