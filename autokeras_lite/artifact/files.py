"""The files of an artifact: their names, and how they are told from others."""

import hashlib
from pathlib import Path

MODEL_FILE = "model.keras"
MANIFEST_FILE = "manifest.json"
PREDICTIONS_FILE = "validation_predictions.parquet"
# What describes a model of 50,000 columns, or of columns with many levels, whose letters Keras writes as six bytes.
MOST_DESCRIPTION_BYTES = 256 * 2**20
MOST_DESCRIPTION_VALUES = 20_000_000


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
