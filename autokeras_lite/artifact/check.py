"""Looks through a model file before Keras opens it, so that no file can make Keras run, read or allocate at will."""

import zipfile
from pathlib import Path

from autokeras_lite.artifact.check_config import check_model_config
from autokeras_lite.artifact.check_size import check_layer_sizes
from autokeras_lite.artifact.check_weights import check_weights
from autokeras_lite.artifact.files import MOST_DESCRIPTION_BYTES, MOST_DESCRIPTION_VALUES
from autokeras_lite.data.archive import ARCHIVE_ERRORS, list_members
from autokeras_lite.durable import parse_json
from autokeras_lite.errors import ArtifactError

MOST_MODEL_BYTES = 16 * 2**30
MOST_RATIO = 100

_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MOST_BYTES = {_METADATA: 2**16, _CONFIG: MOST_DESCRIPTION_BYTES, _WEIGHTS: MOST_MODEL_BYTES}


def check_model_file(path: Path) -> None:
    """Check that a model file is one that a search may have written, without giving it to Keras.

    It is an ordinary file that lies in its folder, an archive of exactly the three members that Keras writes, none of
    them inflated; its config names only the classes that our models are made of; its weights stand in the file itself.
    This is no proof that a file is harmless: open those of people you trust.

    Raises:
        ArtifactError: it is not.
        StorageError: its weights are packed, and the disk has no room to unpack them.
    """
    _check_place(path)
    try:
        members = {member.filename: member for member in list_members(path)}
        _check_members(members)
        with zipfile.ZipFile(path) as archive:
            parse_json(archive.read(_METADATA), _METADATA)
            config = parse_json(archive.read(_CONFIG), _CONFIG, most_values=MOST_DESCRIPTION_VALUES)
            check_model_config(config, members[_WEIGHTS].file_size)
            check_layer_sizes(config, members[_WEIGHTS].file_size)
        check_weights(path, members[_WEIGHTS])
    except (*ARCHIVE_ERRORS, ArtifactError) as error:
        why = " ".join(str(error).split()).partition(" Expected")[0].rstrip(".")[:200]
        raise ArtifactError(
            f"{path} is no model file that can be opened safely: {why}. Expected the file that a search wrote. Restore "
            "the folder from a copy, or search again."
        ) from error


def _check_place(path: Path) -> None:
    if not path.is_file() or path.resolve().parent != path.parent.resolve():
        what = "leads out of its folder" if path.is_file() else "is no ordinary file"
        raise ArtifactError(f"The model file {path} {what}. Expected the file itself. Restore the folder from a copy.")


def _check_members(members: dict[str, zipfile.ZipInfo]) -> None:
    if members.keys() != _MOST_BYTES.keys():
        odd = min(members.keys() ^ _MOST_BYTES.keys())
        raise ValueError(f"member {odd[:60]!r} {'is missing' if odd in _MOST_BYTES else 'does not belong there'}")
    for name, member in members.items():
        if member.file_size > _MOST_BYTES[name]:
            raise ValueError(f"{name} has {member.file_size:,} bytes, and may have {_MOST_BYTES[name]:,}")
        if member.file_size > MOST_RATIO * max(1, member.compress_size):
            raise ValueError(f"{name} inflates more than {MOST_RATIO} times")
