"""Writing an artifact: a folder that is either there with all its files, or not there."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import keras
import pandas as pd

from autokeras_lite.artifact.files import MANIFEST_FILE, MODEL_FILE, PREDICTIONS_FILE, sha256
from autokeras_lite.artifact.manifest import Manifest


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
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{uuid4().hex}")
    beside.mkdir()
    try:
        manifest = _write_files(beside, contents)
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
        _flush(path)
    return manifest


def _replace(folder: Path, beside: Path) -> None:
    earlier = beside.with_name(f"{beside.name}.earlier")
    if folder.exists():
        folder.rename(earlier)
    beside.rename(folder)
    _flush(folder.parent)
    shutil.rmtree(earlier, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
