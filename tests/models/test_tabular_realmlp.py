"""The family `tabular_realmlp`: its parts are their formulas, and every configuration of its space trains."""

from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import pytest
from table_parts import ALL, OUTPUTS, SORTS, are_stock_layers, embedded, rows_of, scramble, weight

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.models.tabular_realmlp import TabularRealmlpConfig
from autokeras_lite.spaces.load import load_space

pytestmark = pytest.mark.slow

SPACE = load_space("tabular_realmlp")
SMALL = {"depth": 2, "width": 6, "frequencies": 5, "number_width": 3, "dropout": 0.0}
FACTORS = {
    "scale_factor": 3.0,
    "number_embedding_factor": 0.2,
    "first_layer_factor": 0.5,
    "bias_factor": 0.3,
    "activation_factor": 0.4,
}
ONES = dict.fromkeys(FACTORS, 1.0)


def build(config, inputs=ALL, seed: int = 1, rows: TrainingRows | None = None) -> keras.Model:
    return build_model("tabular_realmlp", config, inputs, OUTPUTS[3], seed=seed, rows=rows or rows_of(inputs))


def taken(model: keras.Model, rows: TrainingRows) -> dict[str, Any]:
    return {name: rows.inputs[name] for name in model.input}


# Formulas.


def selu(x: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.log1p(np.exp(x)))


ACTIVATIONS = {"selu": selu, "mish": mish}


def features_of(model: keras.Model, rows: TrainingRows, config: TabularRealmlpConfig) -> np.ndarray:
    """Return each number and `A cos(2 pi w x + b) + c` of it, the flags, and the embedded codes."""
    numbers, factor = rows.inputs["numbers"].astype(np.float64), config.number_embedding_factor
    if config.number_embedding == "periodic":
        w, b = factor * weight(model, "frequencies"), factor * weight(model, "frequencies", "bias")
        waves = np.cos(2 * np.pi * w * numbers[:, :, None] + b)
        a, c = factor * weight(model, "number_embedding"), factor * weight(model, "number_embedding", "bias")
        learned = np.einsum("bnf,nfd->bnd", waves, a) + c
        numbers = np.concatenate([numbers[:, :, None], learned], axis=2).reshape(len(numbers), -1)
    return np.concatenate([numbers, rows.inputs["flags"], *embedded(model, rows.inputs["codes"])], axis=1)


def linear(model: keras.Model, name: str, hidden: np.ndarray, factor: float, bias_factor: float) -> np.ndarray:
    """Return `W x / sqrt(inputs) + b` of the weights as the layer uses them."""
    kernel, bias = factor * weight(model, name), bias_factor * weight(model, name, "bias")
    return hidden @ kernel / np.sqrt(hidden.shape[1]) + bias


def outputs_of(model: keras.Model, rows: TrainingRows, config: TabularRealmlpConfig) -> np.ndarray:
    hidden = features_of(model, rows, config) * config.scale_factor * weight(model, "scales")
    for block in range(config.depth):
        factor = config.first_layer_factor if block == 0 else 1.0
        hidden = linear(model, f"dense_{block}", hidden, factor, config.bias_factor)
        active = ACTIVATIONS[config.activation](hidden)
        if config.parametric:
            share = config.activation_factor * weight(model, f"activation_{block}_share")
            active = hidden + share * (active - hidden)
        hidden = active
    return linear(model, "outputs", hidden, 1.0, config.bias_factor)


@pytest.mark.parametrize("factors", [ONES, FACTORS], ids=["no factors", "factors"])
@pytest.mark.parametrize("parametric", [True, False])
@pytest.mark.parametrize(("number_embedding", "activation"), [("periodic", "selu"), ("none", "mish")])
def test_the_model_is_the_formula_of_its_publication(number_embedding, activation, parametric, factors):
    config = {**SMALL, **factors, "number_embedding": number_embedding, "activation": activation}
    config["parametric"] = parametric
    model, rows = build(config), rows_of()
    scramble(model)
    found = np.asarray(model(taken(model, rows)))
    np.testing.assert_allclose(found, outputs_of(model, rows, TabularRealmlpConfig(**config)), rtol=1e-3, atol=1e-3)


# Factors on the learning rate.

PARTS = {
    "scale_factor": [("scales", "kernel")],
    "number_embedding_factor": [
        ("frequencies", "kernel"), ("frequencies", "bias"), ("number_embedding", "kernel"), ("number_embedding", "bias")
    ],
    "first_layer_factor": [("dense_0", "kernel")],
    "bias_factor": [("dense_0", "bias"), ("dense_1", "bias"), ("outputs", "bias")],
    "activation_factor": [("activation_0_share", "kernel"), ("activation_1_share", "kernel")],
}  # fmt: skip


def part_factor(config: dict[str, Any], layer: str, name: str) -> float:
    """Return by what a weight is multiplied where it is used."""
    return next((config[factor] for factor, parts in PARTS.items() if (layer, name) in parts), 1.0)


def effective(model: keras.Model, config: dict[str, Any]) -> dict[tuple[str, str], np.ndarray]:
    found = {}
    for variable in model.trainable_variables:
        layer, name = variable.path.split("/")
        found[layer, name] = part_factor(config, layer, name) * np.asarray(variable, np.float64)
    return found


def test_a_step_of_adam_moves_each_part_by_its_factor():
    rate, plain, changed = 1e-3, SMALL | ONES, SMALL | FACTORS
    models = [build(plain), build(changed)]
    scramble(models[0])
    for one, other in zip(models[0].trainable_variables, models[1].trainable_variables, strict=True):
        layer, name = other.path.split("/")
        other.assign(np.asarray(one) / part_factor(changed, layer, name))
    rows, moves = rows_of(), []
    for model, config in zip(models, (plain, changed), strict=True):
        before = effective(model, config)
        optimizer = keras.optimizers.Adam(rate, epsilon=1e-20)
        model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
        model.train_on_batch(taken(model, rows), rows.targets)
        moves.append({key: value - before[key] for key, value in effective(model, config).items()})
    assert {key for parts in PARTS.values() for key in parts} < set(moves[0])
    for key, move in moves[0].items():
        factor = part_factor(changed, *key)
        # The first step of Adam is the rate, whatever the gradient; only rounding noise has another sign.
        is_clear = np.abs(move) > 0.9 * rate
        assert is_clear.mean() > 0.5
        agree = np.abs(moves[1][key] / factor - move)[is_clear] < 0.02 * rate
        assert agree.mean() > 0.97, key


def test_without_factors_and_rows_weights_begin_as_published():
    model = build_model("tabular_realmlp", SMALL | FACTORS | {"width": 400}, ALL, OUTPUTS[3], seed=1)
    now = effective(model, SMALL | FACTORS)
    assert now["dense_0", "kernel"].std() == pytest.approx(1, abs=0.05)
    assert now["dense_1", "kernel"].std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(now["scales", "kernel"], 1, rtol=1e-5)
    np.testing.assert_allclose(now["activation_0_share", "kernel"], 1, rtol=1e-5)
    assert np.abs(now["frequencies", "bias"]).max() <= np.pi
    assert np.abs(now["frequencies", "bias"]).max() > 2
    assert np.abs(now["number_embedding", "kernel"]).max() <= 5**-0.5


@pytest.mark.parametrize("scale", [0.05, 2.0])
def test_frequencies_begin_with_the_deviation_that_was_asked_for(scale):
    config = SMALL | FACTORS | {"frequency_scale": scale, "frequencies": 300}
    assert effective(build(config), config)["frequencies", "kernel"].std() == pytest.approx(scale, rel=0.1)


# First weights by training rows.


def before_bias(model: keras.Model, name: str, config: dict[str, Any], rows: TrainingRows) -> np.ndarray:
    """Return what the weights of a layer put out for these rows."""
    layer = model.get_layer(name)
    entering = np.asarray(keras.Model(model.input, layer.input)(taken(model, rows)), np.float64)
    return config["bias_factor"] * entering @ weight(model, name)


@pytest.mark.parametrize("depth", [1, 3])
def test_after_the_start_every_neuron_has_a_variance_of_one_and_bends_among_the_data(depth):
    config = asdict(TabularRealmlpConfig(**(SMALL | FACTORS | {"depth": depth, "width": 40})))
    model, rows = build(config), rows_of()
    for name in (*(f"dense_{block}" for block in range(depth)), "outputs"):
        put_out = before_bias(model, name, config, rows)
        np.testing.assert_allclose(put_out.std(axis=0), 1, rtol=1e-3)
        bend = -config["bias_factor"] * weight(model, name, "bias")
        assert (bend >= put_out.min(axis=0) - 1e-4).all()
        assert (bend <= put_out.max(axis=0) + 1e-4).all()
        assert name == "outputs" or bend.std() > 0.2


def test_a_bias_is_a_random_mean_of_five_rows():
    # The shares of five exponential numbers have squares that add up to 1/3 on average: so much of the variance stays.
    config = {"depth": 1, "width": 3000, "number_embedding": "none"}
    inputs = InputSpec(InputKind.TABLE, (ArraySpec("numbers", (6,)),))
    numbers = np.random.default_rng(5).normal(size=(500, 6)).astype("float32")
    rows = TrainingRows({"numbers": numbers}, rows_of(rows=500).targets)
    model = build(config, inputs, rows=rows)
    put_out = before_bias(model, "dense_0", {"bias_factor": 0.1}, rows)
    bend = -0.1 * weight(model, "dense_0", "bias") - put_out.mean(axis=0)
    assert abs(bend.mean()) < 0.05
    assert bend.var() == pytest.approx(1 / 3, rel=0.1)


def test_columns_that_are_constant_among_the_rows_leave_finite_moderate_weights():
    inputs = SORTS["flags"]
    rows = rows_of(inputs)
    for value in (0.0, 1.0):
        constant = TrainingRows({"flags": np.full_like(rows.inputs["flags"], value)}, rows.targets)
        model = build(SMALL, inputs, rows=constant)
        assert all(np.isfinite(array).all() and np.abs(array).max() < 1e3 for array in model.get_weights())
        assert np.abs(np.asarray(model(taken(model, rows)))).max() < 1e2


def test_the_start_changes_nothing_but_the_linear_layers():
    started = build(SMALL)
    fresh = build_model("tabular_realmlp", SMALL, ALL, OUTPUTS[3], seed=1)
    for one, other in zip(started.trainable_variables, fresh.trainable_variables, strict=True):
        changed = not np.array_equal(np.asarray(one), np.asarray(other))
        assert changed == one.path.startswith(("dense_", "outputs"))


def test_the_first_weights_depend_on_the_seed_and_the_rows_alone():
    first, again, other = (build(SMALL, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


# Configurations.


def train_a_step(values, inputs) -> keras.Model:
    config, _ = SPACE.assemble(values)
    model, rows = build(config, inputs), rows_of(inputs)
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    assert np.isfinite(model.train_on_batch(taken(model, rows), rows.targets))
    return model


def test_defaults_portfolio_and_random_configurations_train_a_step():
    suggester = RandomSuggester(seed=1)
    for values in (*SPACE.starts(), *(SPACE.suggest(suggester) for _ in range(12))):
        model = train_a_step(values, ALL)
        assert model.output.shape == (None, 3)
        assert are_stock_layers(model)


@pytest.mark.parametrize("inputs", SORTS.values(), ids=SORTS)
def test_a_table_may_have_columns_of_one_sort_alone(inputs):
    for values in SPACE.starts():
        train_a_step(values, inputs)
