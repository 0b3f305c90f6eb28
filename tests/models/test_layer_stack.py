"""Contract of the layers of a stack: what Keras builds is what the catalogue says."""

import itertools

import keras
import numpy as np
import pytest

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.layer_stack import FAMILY, LayerStackConfig
from autokeras_lite.models.layer_stack_build import build_layer_stack
from autokeras_lite.models.layer_stack_layers import LAYER_MAKERS, LayerRequest, apply_layer
from autokeras_lite.spaces.layers import ACTIVATIONS, INITIALIZERS, LAYERS
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.shapes import repair_stack, trace_shapes
from autokeras_lite.tasks.task import TaskKind

ROW_SHAPES = {1: (12,), 2: (7, 4), 3: (8, 6, 3)}
VOCABULARY = 11
INPUTS = {
    InputKind.TABLE: InputSpec(
        InputKind.TABLE,
        (ArraySpec("numbers", (5,)), ArraySpec("flags", (3,)), ArraySpec("codes", (2,), "int32")),
        (4, 30),
    ),
    InputKind.IMAGE: InputSpec(InputKind.IMAGE, (ArraySpec("pixels", (8, 8, 1)),)),
    InputKind.SEQUENCE: InputSpec(InputKind.SEQUENCE, (ArraySpec("values", (9, 2)),)),
    InputKind.TOKENS: InputSpec(InputKind.TOKENS, (ArraySpec("tokens", (9,), "int32"),), (VOCABULARY,)),
}
OUTPUTS = OutputSpec(TaskKind.MULTICLASS, 3)
CHANGES = {
    "padding": ("valid", "same"), "strides": (2,), "pool_size": (3,), "bidirectional": (True,),
    "return_sequences": (False,), "use_bias": (False,), "activation": ("mish",), "initializer": ("he_uniform",),
    "units": (5,), "filters": (6,), "kernel_size": (2,), "target": ("2x2x-1",), "l1": (0.1,), "output_dim": (3,),
    "num_heads": (2,), "key_dim": (3,),
}  # fmt: skip


def layer(slot, kind, **settings):
    return {"slot": slot, "kind": kind, "settings": settings}


def variations(kind):
    """Return the default settings, and those with each setting changed."""
    yield {"target": "-1x2"} if kind.name == "Reshape" else {}
    for name in kind.settings:
        for value in CHANGES.get(name, ()):
            yield {name: value}
    if {"padding", "strides"} <= set(kind.settings):
        yield from ({"padding": p, "strides": s} for p, s in itertools.product(("same", "valid"), (2, 3)))


def make_rows(shape, *, tokens, rows=2):
    rng = np.random.default_rng(0)
    if tokens:
        return rng.integers(0, VOCABULARY, (rows, *shape)).astype("int32")
    return rng.normal(size=(rows, *shape)).astype("float32")


def arrays_of(inputs, rows=6):
    cardinalities = {"codes": 4, "tokens": VOCABULARY}
    rng = np.random.default_rng(0)
    return {
        a.name: rng.integers(0, cardinalities[a.name], (rows, *a.shape)) if a.name in cardinalities
        else rng.normal(size=(rows, *a.shape)).astype("float32")
        for a in inputs.arrays
    }  # fmt: skip


def build(stack, kind):
    return build_layer_stack({"stack": stack}, INPUTS[kind], OUTPUTS)


def test_the_catalogue_and_the_makers_have_the_same_kinds():
    assert set(LAYER_MAKERS) == set(LAYERS)


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_every_layer_gives_the_shape_that_the_catalogue_says(kind):
    for rank, changed in itertools.product(sorted(kind.ranks), variations(kind)):
        shape = ROW_SHAPES[rank]
        settings = {**kind.defaults, **changed}
        rows = keras.ops.convert_to_tensor(make_rows(shape, tokens=kind.takes_tokens))
        out = apply_layer(kind.name, LayerRequest("it", settings, VOCABULARY), rows)
        assert tuple(out.shape[1:]) == kind.output_shape(shape, settings), changed
        assert np.isfinite(keras.ops.convert_to_numpy(out)).all(), changed


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_keras_knows_every_activation(name):
    assert callable(keras.activations.get(name))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_keras_knows_every_initializer(name):
    assert isinstance(keras.initializers.get(name), keras.initializers.Initializer)


@pytest.mark.parametrize("kind", [name for name, known in LAYERS.items() if "l1" in known.settings])
def test_penalties_reach_the_kernels_of_every_layer_that_takes_them(kind):
    shape = ROW_SHAPES[min(LAYERS[kind].ranks)]
    tensor = keras.Input(shape)
    settings = {**LAYERS[kind].defaults, "l1": 0.01, "l2": 0.02}
    model = keras.Model(tensor, apply_layer(kind, LayerRequest("it", settings), tensor))
    penalised = [v.path for v in model.trainable_variables if v.regularizer is not None]
    assert penalised
    assert all("bias" not in path for path in penalised)
    plain = keras.Model(tensor, apply_layer(kind, LayerRequest("it", LAYERS[kind].defaults), tensor))
    assert not plain.losses


def test_the_initializer_reaches_the_kernel():
    settings = {**LAYERS["Dense"].defaults, "initializer": "he_normal"}
    assert isinstance(
        LAYER_MAKERS["Dense"](LayerRequest("it", settings)).kernel_initializer, keras.initializers.HeNormal
    )


STACKS = [
    (InputKind.TABLE, [layer("a", "Dense", units=4), layer("b", "Dropout", rate=0.1)]),
    (InputKind.TABLE, [layer("a", "Reshape", target="-1x2"), layer("b", "GRU", units=3)]),
    (InputKind.TABLE, [{"slot": "a", "residual": [layer("a.b", "Dense", units=4)]}]),
    (InputKind.TABLE, [{"slot": "a", "join": "add", "branches": [[], [layer("a.b", "Dense", units=4)]]}]),
    (InputKind.TABLE, [{"slot": "outputs", "join": "concatenate", "branches": [[], [layer("numbers", "Identity")]]}]),
    (InputKind.IMAGE, [{"slot": "a", "residual": [layer("a.b", "Conv2D", strides=2), layer("a.c", "MaxPooling2D")]}]),
    (InputKind.IMAGE, [layer("a", "Conv2D", kernel_size=9, padding="valid"), layer("b", "MaxPooling2D")]),
    (InputKind.IMAGE, [layer("a", "Conv2D", filters=40)]),
    (InputKind.SEQUENCE, [layer("a", "MultiHeadAttention"), layer("b", "LSTM", bidirectional=True)]),
    (InputKind.TOKENS, [layer("a", "Embedding", output_dim=4), {"slot": "b", "residual": [layer("b", "Conv1D")]}]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "stack"), STACKS)
def test_a_built_stack_has_the_shapes_that_tracing_says(kind, stack):
    model = build(stack, kind)
    features = model.get_layer("outputs").input.shape[1:]
    shape = (5 + 3 + 2 + 8,) if kind is InputKind.TABLE else INPUTS[kind].arrays[0].shape
    assert tuple(features) == trace_shapes(repair_stack(stack, shape, kind), shape, kind)[-1][1]
    outputs = keras.ops.convert_to_numpy(model(arrays_of(INPUTS[kind])))
    assert outputs.shape == (6, OUTPUTS.units)
    assert np.isfinite(outputs).all()


RELU = layer("b", "Activation", activation="relu")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"slot": "a", "residual": [RELU]}, lambda x: x + np.maximum(x, 0)),
        ({"slot": "a", "join": "add", "branches": [[], [RELU], []]}, lambda x: 2 * x + np.maximum(x, 0)),
        (
            {"slot": "a", "join": "concatenate", "branches": [[RELU], []]},
            lambda x: np.concatenate([np.maximum(x, 0), x], axis=-1),
        ),
    ],
)
def test_shortcuts_are_added_and_branches_joined(node, expected):
    model = build([node, layer("z", "Flatten")], InputKind.SEQUENCE)
    features = keras.Model(model.input, model.get_layer("outputs").input)
    rows = arrays_of(INPUTS[InputKind.SEQUENCE])["values"]
    np.testing.assert_allclose(features({"values": rows}), expected(rows).reshape(len(rows), -1), rtol=1e-6)


def test_the_model_is_plain_keras_and_comes_back_from_its_file(tmp_path):
    stack = [layer("a", "Dense", units=4, l2=0.1), {"slot": "b.1", "residual": [layer("b.1.c", "LayerNormalization")]}]
    model = build(stack, InputKind.TABLE)
    assert all(type(part).__module__.startswith("keras.") for part in model.layers)
    model.save(tmp_path / "model.keras")
    rows = arrays_of(INPUTS[InputKind.TABLE])
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(model(rows), again(rows), rtol=1e-6)


def test_a_stack_that_does_not_fit_its_input_is_refused_with_the_slot_named():
    with pytest.raises(SpaceError, match=r"slot 'features.conv' is a Conv2D and takes .height, width, channels."):
        build([layer("features.conv", "Conv2D")], InputKind.TABLE)


def test_the_family_has_lanes_where_no_layer_convolves():
    assert FAMILY.has_lanes({"stack": [layer("a", "Dense")]})
    assert not FAMILY.has_lanes({"stack": [{"slot": "a", "residual": [layer("b", "Conv1D")]}]})
    assert FAMILY.config_type is LayerStackConfig


SHIPPED = [name for name in shipped_names() if load_space(name).stack is not None]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_ready_configuration_of_a_shipped_stack_builds(name):
    space = load_space(name)
    for values in space.starts():
        config, _ = space.assemble(values)
        for kind in space.accepts:
            assert build_layer_stack(config, INPUTS[kind], OUTPUTS).output_shape == (None, OUTPUTS.units)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_random_configurations_of_a_shipped_stack_train_a_step(name):
    space = load_space(name)
    suggester = RandomSuggester(seed=1)
    targets = keras.utils.to_categorical(np.arange(6) % 3)
    for _ in range(20):
        config, _ = space.assemble(space.suggest(suggester))
        for kind in space.accepts:
            model = build_layer_stack(config, INPUTS[kind], OUTPUTS)
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
            model.compile("adam", loss, run_eagerly=True)
            assert np.isfinite(model.train_on_batch(arrays_of(INPUTS[kind]), targets))
