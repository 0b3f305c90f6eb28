"""Whatever bytes come as a model file, the check lets them pass or refuses them in one line."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import keras
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from mutations import mutated

from autokeras_lite.artifact.check import check_model_file
from autokeras_lite.errors import ArtifactError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FUZZ = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    """A model file with a lookup, an operation, and weights."""
    words, numbers = keras.Input((1,), dtype="string", name="word"), keras.Input((3,), name="numbers")
    codes = keras.layers.StringLookup(vocabulary=["a", "b"], mask_token=None)(words)
    joined = keras.ops.concatenate([keras.ops.cast(codes, "float32"), numbers], axis=1)
    path = tmp_path_factory.mktemp("sound") / "model.keras"
    keras.Model([words, numbers], keras.layers.Dense(2, activation="relu")(joined)).save(path)
    return path.read_bytes()


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def check_or_refuse(folder: Path, content: bytes) -> None:
    path, refusal = folder / "model.keras", ""
    path.write_bytes(content)
    try:
        check_model_file(path)
    except ArtifactError as error:
        refusal = str(error)
    assert refusal.isprintable()
    event(refusal.rpartition("safely: ")[2][:30] or "passes")


def test_the_sound_file_passes(sound, tmp_path):
    (tmp_path / "model.keras").write_bytes(sound)
    check_model_file(tmp_path / "model.keras")


def test_a_damaged_archive_passes_or_is_refused_in_one_line(sound, tmp_path):
    @FUZZ
    @given(st.one_of(st.binary(max_size=100), mutated(sound)))
    @example(b"")
    @example(sound[:-30])
    def law(content):
        check_or_refuse(tmp_path, content)

    law()


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_sound_archive_with_a_damaged_member_passes_or_is_refused_in_one_line(sound, name, tmp_path):
    members = members_of(sound)

    @FUZZ
    @given(mutated(members[name]))
    def law(content):
        check_or_refuse(tmp_path, packed(members | {name: content}))

    law()
