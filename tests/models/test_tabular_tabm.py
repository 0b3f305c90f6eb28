"""The family `tabular_tabm`: its parts are their formulas, and every configuration of its space trains."""

import keras
import numpy as np
import pytest
from table_parts import ALL, OUTPUTS, SORTS, are_stock_layers, embedded, rows_of, scramble, weight

from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.spaces.load import load_space

pytestmark = pytest.mark.slow

SPACE = load_space("tabular_tabm")
SMALL = {"members": 3, "depth": 2, "width": 6, "bins": 4, "number_width": 5, "dropout": 0.0}


def build(config, inputs=ALL, units: int = 3, seed: int = 1) -> keras.Model:
    return build_model("tabular_tabm", config, inputs, OUTPUTS[units], seed=seed, rows=rows_of(inputs, units))


# Formulas.


def features_of(model: keras.Model, rows: TrainingRows, *, is_embedded: bool) -> np.ndarray:
    """Return `w x + b + V p(x)` of each number, its flags, and its embedded codes."""
    numbers = rows.inputs["numbers"].astype(np.float64)
    if is_embedded:
        shares = numbers[:, :, None] * weight(model, "bins") + weight(model, "bins", "bias")
        low, high = np.full(shares.shape[-1], 0.0), np.full(shares.shape[-1], 1.0)
        low[0], high[-1] = -np.inf, np.inf
        pieces = np.einsum("bnt,ntd->bnd", np.clip(shares, low, high), weight(model, "piecewise_part"))
        linear = numbers[:, :, None] * weight(model, "linear_part") + weight(model, "linear_part", "bias")
        numbers = (linear + pieces).reshape(len(numbers), -1)
    return np.concatenate([numbers, rows.inputs["flags"], *embedded(model, rows.inputs["codes"])], axis=1)


def member_outputs(model: keras.Model, features: np.ndarray, member: int, *, is_full: bool) -> np.ndarray:
    """Return what one member makes of the features: a perceptron of its own, by TabM, section 3.3."""
    hidden = features * weight(model, "scale_in_0")[member]
    for block in range(SMALL["depth"]):
        if is_full and block > 0:
            hidden = hidden * weight(model, f"scale_in_{block}")[member]
        hidden = hidden @ weight(model, f"dense_{block}")
        if is_full:
            scale, bias = weight(model, f"scale_out_{block}"), weight(model, f"bias_{block}")
            hidden = hidden * scale[member] + bias[member]
        else:
            hidden = hidden + weight(model, f"dense_{block}", "bias")
        hidden = np.maximum(hidden, 0)
    kernel, bias = weight(model, "outputs"), weight(model, "outputs", "bias")
    return hidden @ kernel[member] + (bias[0, member] if kernel.shape[-1] == 1 else bias[member])


@pytest.mark.parametrize("units", OUTPUTS)
@pytest.mark.parametrize("number_embedding", ["piecewise", "none"])
@pytest.mark.parametrize("sharing", ["mini", "full"])
def test_each_member_is_the_formula_of_its_publication(sharing, number_embedding, units):
    model, rows = build(SMALL | {"sharing": sharing, "number_embedding": number_embedding}, units=units), rows_of()
    scramble(model)
    features = features_of(model, rows, is_embedded=number_embedding == "piecewise")
    found = np.asarray(model({name: rows.inputs[name] for name in model.input}))
    assert found.shape == (60, 3, units)
    for member in range(3):
        expected = member_outputs(model, features, member, is_full=sharing == "full")
        np.testing.assert_allclose(found[:, member], expected, rtol=1e-3, atol=1e-4)


def test_quantiles_are_taken_where_the_config_asks_for_them():
    model, rows = build(SMALL | {"number_embedding": "none", "number_scaling": "quantile"}), rows_of()
    assert sorted(model.input) == ["codes", "flags", "quantiles"]
    as_numbers = TrainingRows({**rows.inputs, "numbers": rows.inputs["quantiles"]}, rows.targets)
    found = np.asarray(model({name: rows.inputs[name] for name in model.input}))
    features = features_of(model, as_numbers, is_embedded=False)
    expected = member_outputs(model, features, 1, is_full=False)
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-3, atol=1e-4)


def test_dropout_falls_on_each_member_apart():
    model, rows = build(SMALL | {"dropout": 0.5, "width": 64, "depth": 1}), rows_of()
    both = [model.get_layer(name).output for name in ("activation_0", "dropout_0")]
    before, after = keras.Model(model.input, both)({n: rows.inputs[n] for n in model.input}, training=True)
    kept, active = np.asarray(after) > 0, np.asarray(before) > 0
    assert active.shape == (60, 3, 64)
    assert kept[active].mean() == pytest.approx(0.5, abs=0.05)
    both_active = active[:, 0] & active[:, 1]
    assert (kept[:, 0] == kept[:, 1])[both_active].mean() == pytest.approx(0.5, abs=0.1)


# First weights.


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
@pytest.mark.parametrize("sharing", ["mini", "full"])
def test_with_embeddings_each_column_of_a_member_begins_with_one_normal_number(sharing, scaling):
    config = SMALL | {"sharing": sharing, "number_scaling": scaling, "members": 200, "embedding_width": 6}
    model = build(config)
    scales = weight(model, "scale_in_0")
    widths = [5] * 4 + [1] * 3 + [3, 6]  # numbers, flags, and codes of 5 and 30 levels
    assert scales.shape == (200, sum(widths))
    firsts = np.cumsum([0, *widths[:-1]])
    np.testing.assert_array_equal(scales, np.repeat(scales[:, firsts], widths, axis=1))
    chosen = scales[:, firsts]
    assert len(np.unique(chosen)) == chosen.size
    assert abs(chosen.mean()) < 0.1
    assert chosen.std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("sharing", ["mini", "full"])
def test_without_embeddings_the_first_scales_are_signs(sharing):
    for inputs, embedding in ((ALL, "none"), (SORTS["flags"], "piecewise"), (SORTS["codes"], "piecewise")):
        scales = weight(build(SMALL | {"sharing": sharing, "number_embedding": embedding}, inputs), "scale_in_0")
        assert set(np.unique(scales)) == {-1.0, 1.0}
        assert 0.2 < (scales > 0).mean() < 0.8


def test_in_the_full_form_all_but_the_first_scales_begin_with_ones_and_members_with_the_same_biases():
    model = build(SMALL | {"sharing": "full"})
    for name in ("scale_out_0", "scale_in_1", "scale_out_1"):
        assert (weight(model, name) == 1).all()
    for block in range(2):
        biases = weight(model, f"bias_{block}")
        assert (biases == biases[0]).all()
        assert biases[0].std() > 0
    assert weight(model, "outputs")[0].tolist() != weight(model, "outputs")[1].tolist()


def test_what_the_pieces_add_begins_at_nothing():
    assert not weight(build(SMALL), "piecewise_part").any()


def test_the_first_weights_depend_on_the_seed_alone():
    first, again, other = (build(SMALL, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


# Configurations.


def train_a_step(values, inputs) -> keras.Model:
    config, _ = SPACE.assemble(values)
    model, rows = build({**config, "members": 3}, inputs), rows_of(inputs)
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    targets = np.repeat(rows.targets[:, None], 3, axis=1)
    assert np.isfinite(model.train_on_batch({name: rows.inputs[name] for name in model.input}, targets))
    return model


def test_defaults_portfolio_and_random_configurations_train_a_step():
    suggester = RandomSuggester(seed=1)
    for values in (*SPACE.starts(), *(SPACE.suggest(suggester) for _ in range(12))):
        model = train_a_step(values, ALL)
        assert model.output.shape == (None, 3, 3)
        assert are_stock_layers(model)


@pytest.mark.parametrize("inputs", SORTS.values(), ids=SORTS)
def test_a_table_may_have_columns_of_one_sort_alone(inputs):
    for values in SPACE.starts():
        train_a_step(values, inputs)
