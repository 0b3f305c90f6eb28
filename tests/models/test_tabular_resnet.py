"""The family `tabular_resnet`: its blocks are their formulas, and every configuration of its space trains."""

import keras
import numpy as np
import pytest

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.spaces.load import load_space
from autokeras_lite.tasks.task import TaskKind

NUMBERS, FLAGS = ArraySpec("numbers", (4,)), ArraySpec("flags", (3,))
CODES = ArraySpec("codes", (2,), "int32")
ALL = InputSpec(InputKind.TABLE, (NUMBERS, FLAGS, CODES), (5, 30))
SORTS = {
    "numbers": InputSpec(InputKind.TABLE, (NUMBERS,)),
    "flags": InputSpec(InputKind.TABLE, (FLAGS,)),
    "codes": InputSpec(InputKind.TABLE, (CODES,), (5, 2)),
}
SPACE = load_space("tabular_resnet")
OUTPUTS = OutputSpec(TaskKind.MULTICLASS, 3)
SMALL = {"depth": 2, "width": 6, "hidden_factor": 1.5, "number_width": 3, "frequencies": 5, "bins": 4}


def rows_of(inputs: InputSpec, rows: int = 40) -> TrainingRows:
    rng = np.random.default_rng(0)
    made = {a.name: rng.integers(0, 2, (rows, *a.shape)).astype(a.dtype) for a in inputs.arrays}
    made |= {"numbers": rng.normal(size=(rows, 4)).astype("float32")} if "numbers" in inputs else {}
    return TrainingRows(made, keras.utils.to_categorical(np.arange(rows) % 3).astype("float32"))


def build(config, inputs: InputSpec = ALL, seed: int = 1) -> keras.Model:
    return build_model("tabular_resnet", config, inputs, OUTPUTS, seed=seed, rows=rows_of(inputs))


def train_a_step(values, inputs: InputSpec) -> keras.Model:
    config, _ = SPACE.assemble(values)
    model, rows = build(config, inputs), rows_of(inputs)
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    assert np.isfinite(model.train_on_batch(rows.inputs, rows.targets))
    return model


def scrambled(model: keras.Model) -> keras.Model:
    """Give every weight that a fresh model has at 0 or 1 another value, so that none of them goes unseen."""
    rng = np.random.default_rng(2)
    for variable in model.variables:
        if "norm" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return model


def weights_of(model: keras.Model, layer: str) -> dict[str, np.ndarray]:
    return {v.name: np.asarray(v, np.float64) for v in model.get_layer(layer).variables}


def between(model: keras.Model, layer: str) -> keras.Model:
    """Return the part of a model up to what enters this layer."""
    return keras.Model(model.input, model.get_layer(layer).input)


# Formulas.


def normalised(values: np.ndarray, norm: dict[str, np.ndarray], *, training: bool) -> np.ndarray:
    mean = values.mean(axis=0) if training else norm["moving_mean"]
    variance = values.var(axis=0) if training else norm["moving_variance"]
    return (values - mean) / np.sqrt(variance + 1e-5) * norm["gamma"] + norm["beta"]


def expected_of(model: keras.Model, features: np.ndarray, depth: int, *, training: bool) -> np.ndarray:
    """Return what the model makes of its features, by the formulas of the publication (section 3.2)."""
    hidden = features @ weights_of(model, "stem")["kernel"]
    for block in range(depth):
        inside = normalised(hidden, weights_of(model, f"norm_{block}"), training=training)
        widen = weights_of(model, f"widen_{block}")
        inside = np.maximum(inside @ widen["kernel"] + widen["bias"], 0.0)
        hidden = hidden + inside @ weights_of(model, f"narrow_{block}")["kernel"]
    out = weights_of(model, "outputs")
    last = np.maximum(normalised(hidden, weights_of(model, "norm_out"), training=training), 0.0)
    return last @ out["kernel"] + out["bias"]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("depth", [1, 3])
def test_a_model_is_its_formula(depth, training):
    config = SMALL | {"depth": depth, "dropout": 0.0}
    model, rows = scrambled(build(config)), rows_of(ALL)
    features = np.asarray(between(model, "stem")(rows.inputs), np.float64)
    np.testing.assert_array_equal(features[:, :7], np.concatenate([rows.inputs["numbers"], rows.inputs["flags"]], 1))
    expected = expected_of(model, features, depth, training=training)
    np.testing.assert_allclose(model(rows.inputs, training=training), expected, rtol=1e-4, atol=1e-5)
    assert model.get_layer("widen_0").units == 9


def test_periodic_numbers_are_their_formula():
    model, numbers = build(SMALL | {"number_embedding": "periodic"}), rows_of(ALL).inputs["numbers"]
    angles = numbers[:, :, None] * weights_of(model, "frequencies")["kernel"]
    waves = np.concatenate([np.sin(angles), np.cos(angles), numbers[:, :, None]], axis=-1)
    learned = weights_of(model, "number_embedding")
    embedded = np.maximum(np.einsum("bnw,nwd->bnd", waves, learned["kernel"]) + learned["bias"], 0.0)
    features = np.asarray(between(model, "stem")(rows_of(ALL).inputs))
    np.testing.assert_allclose(features[:, :12], embedded.reshape(len(numbers), 12), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("edges", ["quantiles", "tree"])
def test_piecewise_numbers_are_their_formula(edges):
    model = build(SMALL | {"number_embedding": "piecewise", "bin_edges": edges})
    rows = rows_of(ALL)
    numbers = rows.inputs["numbers"]
    layer = model.get_layer("piecewise_part")
    layer.kernel.assign(np.random.default_rng(3).normal(size=layer.kernel.shape))
    filled = np.asarray(between(model, "piecewise_part")(rows.inputs))
    assert filled.shape == (len(numbers), 4, 4)
    if edges == "quantiles":
        cuts = np.quantile(numbers.astype(np.float64), np.linspace(0, 1, 5), axis=0)
        exact = (numbers[:, :, None] - cuts[:-1].T) / np.diff(cuts, axis=0).T
        np.testing.assert_allclose(filled, np.clip(exact, 0, 1), atol=1e-4)
    linear = numbers[:, :, None] * weights_of(model, "linear_part")["kernel"]
    embedded = linear + np.einsum("bnt,ntd->bnd", filled, weights_of(model, "piecewise_part")["kernel"])
    features = np.asarray(between(model, "stem")(rows.inputs))
    np.testing.assert_allclose(features[:, :12], embedded.reshape(len(numbers), 12), rtol=1e-4, atol=1e-5)


def test_dropout_acts_between_the_layers_and_on_what_a_block_adds():
    model = build(SMALL | {"dropout": 0.3, "residual_dropout": 0.2})
    for block in range(2):
        assert model.get_layer(f"dropout_{block}").rate == 0.3
        assert model.get_layer(f"narrow_{block}").input is model.get_layer(f"dropout_{block}").output
        assert model.get_layer(f"residual_dropout_{block}").rate == 0.2
        assert model.get_layer(f"add_{block}").input[1] is model.get_layer(f"residual_dropout_{block}").output


@pytest.mark.parametrize("embedding", ["none", "piecewise", "periodic"])
def test_no_weight_has_a_gradient_of_rounding_noise(embedding):
    # What is added to all rows before batch normalisation is taken away again: adaptive optimizers would follow noise.
    model, rows = build(SMALL | {"number_embedding": embedding, "dropout": 0.0}), rows_of(ALL)
    before = {v.path: np.asarray(v) for v in model.trainable_variables}
    model.compile(keras.optimizers.SGD(1.0), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.train_on_batch(rows.inputs, rows.targets)
    for variable in model.trainable_variables:
        assert np.abs(np.asarray(variable) - before[variable.path]).max() > 1e-5, variable.path


# The space.


@pytest.mark.slow
def test_defaults_portfolio_and_random_configurations_train_a_step():
    suggester = RandomSuggester(seed=1)
    for values in (*SPACE.starts(), *(SPACE.suggest(suggester) for _ in range(20))):
        model = train_a_step(values, ALL)
        assert model.output.shape == (None, 3)
        assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


@pytest.mark.slow
@pytest.mark.parametrize("sort", SORTS)
def test_a_table_may_have_columns_of_one_sort_alone(sort):
    for values in SPACE.starts():
        train_a_step(values, SORTS[sort])


def test_the_first_weights_depend_on_the_seed_alone():
    first, again, other = (build(SMALL | {"number_embedding": "periodic"}, seed=s).get_weights() for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
