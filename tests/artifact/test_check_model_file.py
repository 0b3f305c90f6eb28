"""Every model file that a search writes passes the check; the files of others do not get as far as Keras."""

import io
import json
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from full_disk import files_of_at_most
from tiny_artifact import TASKS, encoding_of, good_table, make

from autokeras_lite.artifact import check_config, check_size
from autokeras_lite.artifact.assemble import assemble_model
from autokeras_lite.artifact.check import check_model_file
from autokeras_lite.artifact.files import sha256
from autokeras_lite.artifact.load import load_artifact
from autokeras_lite.artifact.store import write_artifact
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import ArtifactError, StorageError
from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.layer_stack_layers import LayerRequest, apply_layer
from autokeras_lite.search.sizing import complete
from autokeras_lite.spaces.layers import LAYERS
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space
from autokeras_lite.tasks.task import TaskKind

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(0)
ARRAYS = {
    InputKind.IMAGE: RNG.integers(0, 256, (20, 12, 12, 3), np.uint8),
    InputKind.SEQUENCE: RNG.normal(size=(20, 12, 2)),
    InputKind.TOKENS: RNG.integers(0, 40, (20, 12)),
}
ENCODINGS = {kind: encoding_of(rows, kind) for kind, rows in ARRAYS.items()} | {
    InputKind.TABLE: encoding_of(good_table(), quantiles=True)
}
ROW_SHAPES = {1: (12,), 2: (7, 4), 3: (8, 6, 3)}


def checked(model: keras.Model, folder: Path) -> None:
    path = folder / "model.keras"
    model.save(path)
    check_model_file(path)
    keras.saving.load_model(path, compile=False, safe_mode=True)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", InputKind)
def test_the_artifact_of_every_kind_of_input_and_task_passes(kind, task, tmp_path):
    write_artifact(tmp_path / "best", make(ENCODINGS[kind], task).contents())
    assert load_artifact(tmp_path / "best").model.output_names == ["prediction"]


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_names())
def test_the_models_of_every_space_pass(name, tmp_path):
    space = load_space(name)
    chosen = [space.defaults(), *(space.suggest(RandomSuggester(seed)) for seed in range(2)), *space.starts()[1:3]]
    for kind in space.accepts:
        encoding, task = ENCODINGS[kind], TASKS[TaskKind.MULTICLASS]
        for values in chosen:
            config, _ = complete(*space.assemble(values), task, rows=700, folds=1, cores=1)
            network = build_model(space.family, config, encoding.inputs, OutputSpec.of(task), seed=0)
            checked(assemble_model(network, encoding, task, np.zeros(3), np.ones(3)), tmp_path)


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_passes(name, tmp_path):
    kind = LAYERS[name]
    settings = kind.defaults | {key: 0.1 for key in ("l1", "l2") if key in kind.settings}
    settings |= {"target": "-1x2"} if name == "Reshape" else {}
    settings |= {"bidirectional": True} if "bidirectional" in kind.settings else {}
    tensor = keras.Input(ROW_SHAPES[min(kind.ranks)], dtype="int32" if kind.takes_tokens else "float32")
    checked(keras.Model(tensor, apply_layer(name, LayerRequest("it", settings, 9), tensor)), tmp_path)


def test_every_class_that_may_be_named_is_one_of_keras():
    for module, names in check_config.ALLOWED_CLASSES.items():
        place = keras
        for part in module.split(".")[1:]:
            place = getattr(place, part)
        assert [name for name in names if not isinstance(getattr(place, name, None), type)] == [], module


Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(tmp_path_factory) -> Members:
    """The members of a sound model file with a column of every kind."""
    path = tmp_path_factory.mktemp("sound") / "model.keras"
    assemble_model(*make(ENCODINGS[InputKind.TABLE]).parts).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(folder: Path, members: Members, kind: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        check_model_file(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600
    return str(caught.value)


def test_what_was_taken_apart_and_packed_again_passes(members, tmp_path):
    check_model_file(pack(tmp_path, members))
    check_model_file(pack(tmp_path, members, zipfile.ZIP_DEFLATED))


# Members.


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("../evil.py", "has a path for a name"),
        ("/etc/passwd", "has a path for a name"),
        ("assets/vocabulary.txt", "has a path for a name"),
        ("..\\evil.py", "has a path for a name"),
        ("a\x1b[31m", "has a path for a name"),
        ("folder/", "has a path for a name"),
        ("model.weights.json", "does not belong there"),
    ],
)
def test_a_member_that_keras_does_not_write_is_refused(members, tmp_path, name, part):
    assert part in refusal(pack(tmp_path, members | {name: b""}))


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_member_that_is_missing_is_refused(members, tmp_path, name):
    left = {key: content for key, content in members.items() if key != name}
    assert f"{name!r} is missing" in refusal(pack(tmp_path, left))


def test_a_member_that_stands_twice_is_refused(members, tmp_path):
    path = pack(tmp_path, members)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    assert "stands twice" in refusal(path)


def test_a_member_that_is_a_link_is_refused(members, tmp_path):
    path = pack(tmp_path, {name: members[name] for name in ("metadata.json", "model.weights.h5")})
    link = zipfile.ZipInfo("config.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in refusal(path)


def test_an_encrypted_member_is_refused(members, tmp_path):
    path = pack(tmp_path, members)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refusal(path)


def test_a_member_packed_in_an_unusual_way_is_refused(members, tmp_path):
    assert "packed in an unusual way" in refusal(pack(tmp_path, members, zipfile.ZIP_LZMA))


def test_a_config_that_inflates_is_refused_before_it_is_read(members, tmp_path):
    padded = members["config.json"] + b" " * (15 * 2**20)
    assert "inflates more than 100 times" in refusal(
        pack(tmp_path, members | {"config.json": padded}, zipfile.ZIP_DEFLATED)
    )
    longer = members["config.json"] + b" " * (257 * 2**20)
    assert "may have 268,435,456" in refusal(pack(tmp_path, members | {"config.json": longer}, zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"{", "config.json is damaged"),
        (b"[" * 5_000 + b"]" * 5_000, "nested"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested"),
        (b"[]," * 10_500_000, "more than 20,000,000 values"),
        (b"[]", "no functional model"),
        (b'{"class_name": "Sequential", "module": "keras", "config": {}}', "no functional model"),
    ],
)
def test_a_config_that_is_no_model_is_refused(members, tmp_path, content, part):
    assert part in refusal(pack(tmp_path, members | {"config.json": content}))


# Places.


def test_a_model_file_is_an_ordinary_file_of_its_folder(members, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    sound = pack(tmp_path / "elsewhere", members)
    (tmp_path / "link.keras").symlink_to(sound)
    assert "leads out of its folder" in refusal(tmp_path / "link.keras")
    assert "is no ordinary file" in refusal(tmp_path / "elsewhere")
    assert "is no ordinary file" in refusal(tmp_path / "missing.keras")
    (tmp_path / "text.keras").write_text("model")
    assert "not a zip file" in refusal(tmp_path / "text.keras")


# Classes.


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the layers of the model, and those of the models in it."""
    found = []
    for layer in config["config"]["layers"]:
        found += [layer, *(layers_of(layer) if layer["class_name"] == "Functional" else [])]
    return found


def first(config: dict[str, Any], name: str) -> dict[str, Any]:
    return next(layer for layer in layers_of(config) if layer["class_name"] == name)


def rename(name: str, module: object, **more: object) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        first(config, "Flatten").update(class_name=name, module=module, **more)

    return change


def in_config(layer: str, **more: object) -> Callable[[dict[str, Any]], None]:
    return lambda config: first(config, layer)["config"].update(more)


def drop_module(config: dict[str, Any]) -> None:
    del first(config, "Flatten")["module"]


FUNCTION = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
CHANGES = {
    "a lambda": (rename("Lambda", "keras.layers"), "'Lambda' of 'keras.layers'"),
    "a lambda's code": (
        in_config("Dense", activation={"class_name": "__lambda__", "config": {"value": ["4wAA", None, None]}}),
        "'__lambda__'",
    ),
    "a saved model": (rename("TFSMLayer", "keras.layers"), "'TFSMLayer'"),
    "a torch module": (rename("TorchModuleWrapper", "keras.layers"), "'TorchModuleWrapper'"),
    "a tokenizer": (rename("TextVectorization", "keras.layers"), "'TextVectorization'"),
    "a module outside": (rename("Popen", "subprocess"), "'Popen' of 'subprocess'"),
    "a module with a like name": (rename("Dense", "keras_evil.layers"), "of 'keras_evil.layers'"),
    "a module inside": (rename("get_file", "keras.utils"), "'get_file' of 'keras.utils'"),
    "our own package": (rename("Path", "autokeras_lite.durable"), "of 'autokeras_lite.durable'"),
    "no module": (drop_module, "of 'None'"),
    "a module that is no text": (rename("Dense", ["keras.layers"]), "which no search uses"),
    "a name that is no text": (rename({"a": 1}, "keras.layers"), "which no search uses"),
    "another registered name": (rename("Flatten", "keras.layers", registered_name="evil>Layer"), "'evil>Layer'"),
    "a registered name that is no text": (rename("Flatten", "keras.layers", registered_name=["a"]), "another name"),
    "a function": (in_config("Dense", activation=FUNCTION), "'function' of 'os'"),
    "a function of Keras": (in_config("Dense", activation=FUNCTION | {"module": "keras.utils"}), "'function'"),
    "a type of TensorFlow": (in_config("Dense", activation={"class_name": "__typespec__"}), "'__typespec__'"),
    "the path of a vocabulary": (in_config("StringLookup", vocabulary="/etc/passwd"), "no list of texts"),
    "no vocabulary": (in_config("StringLookup", vocabulary=None), "no list of texts"),
    "a vocabulary of paths": (in_config("StringLookup", vocabulary=[["/etc/passwd"]]), "no list of texts"),
    "many units": (in_config("Dense", units=10**12), "'units' beyond"),
    "a number beyond counting": (in_config("Dense", seed=10**300), "'seed' beyond"),
    "an array of long texts": (
        in_config("Flatten", data={"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "U1000000000"}}),
        "what are no numbers",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_config_that_names_what_no_search_uses_is_refused(members, tmp_path, case):
    change, part = CHANGES[case]
    config = json.loads(members["config.json"])
    change(config)
    assert part in refusal(pack(tmp_path, members | {"config.json": json.dumps(config).encode()}))


# Sizes.


def bomb(members: Members, tmp_path: Path, widths: list[int], *, is_built: bool) -> Path:
    """Return a model file of a few dense layers, of which the weights' file holds nothing."""
    tensor = keras.Input((2,))
    model = keras.Model(tensor, keras.layers.Dense(3, name="b")(keras.layers.Dense(3, name="a")(tensor)))
    model.save(tmp_path / "small.keras")
    with zipfile.ZipFile(tmp_path / "small.keras") as archive:
        config = json.loads(archive.read("config.json"))
    inputs, *dense = config["config"]["layers"]
    inputs["config"]["batch_shape"] = [None, widths[0]]
    for layer, before, after in zip(dense, widths, widths[1:], strict=False):
        layer["config"]["units"] = after
        layer["build_config"]["input_shape"] = [None, before]
        if not is_built:
            del layer["build_config"]
    return pack(tmp_path, members | {"config.json": json.dumps(config).encode()})


@pytest.mark.parametrize("widths", [[100_000_000, 1, 1], [2, 10_000, 10_000]])
def test_a_small_file_that_describes_large_layers_is_refused(members, tmp_path, widths):
    assert "take more memory" in refusal(bomb(members, tmp_path, widths, is_built=True))
    assert "does not tell its size" in refusal(bomb(members, tmp_path, widths, is_built=False))
    check_model_file(bomb(members, tmp_path, [2, 3, 3], is_built=True))


def test_the_copy_in_a_layer_of_two_directions_is_counted_by_the_shape_of_that_layer(members, tmp_path):
    tensor = keras.Input((4, 2))
    keras.Model(tensor, keras.layers.Bidirectional(keras.layers.LSTM(3))(tensor)).save(tmp_path / "small.keras")
    with zipfile.ZipFile(tmp_path / "small.keras") as archive:
        config = json.loads(archive.read("config.json"))
    layer = config["config"]["layers"][1]
    layer["build_config"]["input_shape"][-1] = 10**8
    assert "built for another" in refusal(pack(tmp_path, members | {"config.json": json.dumps(config).encode()}))
    for inner in ("layer", "backward_layer"):
        layer["config"][inner].pop("build_config", None)
    assert "take more memory" in refusal(pack(tmp_path, members | {"config.json": json.dumps(config).encode()}))


@pytest.mark.parametrize("name", sorted({"Bidirectional", "EinsumDense", *LAYERS}))
def test_every_layer_with_weights_is_counted(name):
    kind = LAYERS.get(name)
    settings = {} if kind is None else kind.defaults
    if kind is None:
        tensor = keras.Input((7, 4))
        layer = keras.layers.Bidirectional(keras.layers.LSTM(3)) if name == "Bidirectional" else None
        layer = layer or keras.layers.EinsumDense("bnw,nwd->bnd", (7, 5), bias_axes="nd")
        model = keras.Model(tensor, layer(tensor))
    else:
        settings |= {"target": "-1x2"} if name == "Reshape" else {}
        tensor = keras.Input(ROW_SHAPES[min(kind.ranks)], dtype="int32" if kind.takes_tokens else "float32")
        model = keras.Model(tensor, apply_layer(name, LayerRequest("it", settings, 9), tensor))
    counted = counted_weights(json.loads(model.to_json()))
    assert model.count_params() <= counted <= 1.5 * model.count_params() + 20


def counted_weights(config: dict[str, Any]) -> int:
    """Return how many weights are counted: the least size of a file that would be enough tells."""
    below, enough = -(2**24), 2**24  # in weights, beyond what is always allowed
    while enough - below > 1:
        middle = (below + enough) // 2
        try:
            check_size.check_layer_sizes(config, middle * 2)
            enough = middle
        except ValueError:
            below = middle
    return enough + 2**24


# Writing.


def test_an_artifact_that_could_not_be_read_is_not_written(tmp_path):
    write_artifact(tmp_path / "best", make(ENCODINGS[InputKind.TABLE]).contents())
    before = load_artifact(tmp_path / "best").manifest
    tensor = keras.Input((2,))
    odd = keras.Model(tensor, keras.layers.Rescaling(2.0)(tensor))
    contents = replace(make(ENCODINGS[InputKind.TABLE]).contents(), model=odd)
    with pytest.raises(ArtifactError, match=r"cannot be read again: .*'Rescaling'"):
        write_artifact(tmp_path / "best", contents)
    assert load_artifact(tmp_path / "best").manifest == before


# Weights.


def test_weights_that_are_not_packed_are_read_where_they_stand(members, tmp_path):
    path = pack(tmp_path, members)
    with files_of_at_most(0):
        check_model_file(path)


def test_packed_weights_without_room_to_unpack_them_are_no_fault_of_the_file(members, tmp_path):
    large = members | {"model.weights.h5": weights(noise, members["model.weights.h5"])}
    path = pack(tmp_path, large, zipfile.ZIP_DEFLATED)
    with files_of_at_most(2**20), pytest.raises(StorageError, match="is full"):
        check_model_file(path)


def noise(file: h5py.File) -> None:
    numbers = np.zeros(18 * 2**20, np.float32)
    numbers[::20] = np.arange(len(numbers[::20]))
    file.create_dataset("x", data=numbers)


def weights(change: Callable[[h5py.File], object], content: bytes) -> bytes:
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", (4,))
    file.create_virtual_dataset("vars/0", layout)


def circle(file: h5py.File) -> None:
    file["layers/again"] = file["layers"]


WEIGHTS = {
    "a link to another file": (lambda file: file.update({"x": h5py.ExternalLink("/etc/passwd", "/x")}), "hold a link"),
    "a soft link": (lambda file: file.update({"x": h5py.SoftLink("/layers")}), "hold a link 'x'"),
    "a circle": (circle, "twice"),
    "an array in other files": (virtual, "packed, or in other files"),
    "a file beside it": (
        lambda file: file.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)]),
        "packed, or in other files",
    ),
    "an array that is not there": (lambda file: file.create_dataset("x", (10**6, 10**6), "f4"), "not as large as"),
    "an array in pieces": (lambda file: file.create_dataset("x", (2**40,), "f4", chunks=(1024,)), "packed"),
    "a packed array": (lambda file: file.create_dataset("x", data=np.zeros(9), compression="gzip"), "packed"),
    "texts": (lambda file: file.create_dataset("x", data=["a"]), "no array of numbers"),
    "references": (lambda file: file.create_dataset("x", data=file.ref, dtype=h5py.ref_dtype), "no array of numbers"),
    "an empty value": (lambda file: file.create_dataset("x", data=h5py.Empty("f4")), "not as large as"),
    "a type": (lambda file: file.update({"x": np.dtype("f8")}), "no array of numbers"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_do_not_stand_in_their_file_are_refused(members, tmp_path, case):
    change, part = WEIGHTS[case]
    changed = weights(change, members["model.weights.h5"])
    assert part in refusal(pack(tmp_path, members | {"model.weights.h5": changed}))


def test_weights_that_are_no_hdf5_are_refused(members, tmp_path):
    sound = members["model.weights.h5"]
    for content in (bytes(len(sound)), b"PK" + sound[2:], sound[:8] + bytes(len(sound)), sound[: len(sound) * 2 // 3]):
        assert "safely" in refusal(pack(tmp_path, members | {"model.weights.h5": content}))


def test_a_model_file_is_checked_before_keras_opens_it(members, tmp_path):
    folder = tmp_path / "best"
    write_artifact(folder, make(ENCODINGS[InputKind.TABLE]).contents())
    manifest = json.loads((folder / "manifest.json").read_text())
    config = json.loads(members["config.json"])
    rename("Popen", "subprocess")(config)
    path = pack(folder, members | {"config.json": json.dumps(config).encode()})
    with pytest.raises(ArtifactError, match="was changed after it was written"):
        load_artifact(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest | {"model_sha256": sha256(path)}))
    artifact = load_artifact(folder)
    with pytest.raises(ArtifactError, match="'Popen' of 'subprocess'"):
        artifact.predict(good_table())


def test_what_keras_cannot_read_is_refused_in_one_line(members, tmp_path):
    folder = tmp_path / "best"
    write_artifact(folder, make(ENCODINGS[InputKind.TABLE]).contents())
    config = json.loads(members["config.json"])
    in_config("Dense", activation="no such activation")(config)
    path = pack(folder, members | {"config.json": json.dumps(config).encode()})
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"model_sha256": sha256(path)}))
    with pytest.raises(ArtifactError, match="Keras cannot read the model") as caught:
        load_artifact(folder).predict(good_table())
    assert str(caught.value).isprintable()
