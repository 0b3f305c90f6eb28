"""Piecewise linear encoding is the formula of its publication, with bins that the training rows choose."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.models.piecewise import BINS_LAYER, piecewise_encoding, set_bins
from autokeras_lite.models.rows import TrainingRows

pytestmark = pytest.mark.slow

BINS = 6
RNG = np.random.default_rng(3)


def encoder(columns: int, bins: int = BINS) -> keras.Model:
    numbers = keras.Input((columns,), name="numbers")
    return keras.Model({"numbers": numbers}, piecewise_encoding(numbers, columns, bins))


def with_bins(numbers, targets=None, *, bins: int = BINS, edges: str = "quantiles") -> keras.Model:
    model = encoder(numbers.shape[1], bins)
    set_bins(model, training(numbers, targets), edges=edges)
    return model


def training(numbers, targets=None) -> TrainingRows:
    given_targets = np.zeros((len(numbers), 1)) if targets is None else targets
    return TrainingRows({"numbers": numbers.astype("float32")}, given_targets.astype("float32"))


def encoded(model: keras.Model, numbers) -> np.ndarray:
    return np.asarray(model({"numbers": numbers.astype("float32")}))


def formula(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return equation 1 of Gorishniy et al. 2022, `(rows, len(edges) - 1)`."""
    found = []
    for t, (low, high) in enumerate(pairwise(edges)):
        share = (values - low) / (high - low)
        share = np.where((values < low) & (t > 0), 0.0, share)
        found.append(np.where((values >= high) & (t < len(edges) - 2), 1.0, share))
    return np.stack(found, axis=1)


def test_the_encoding_is_the_formula_between_quantiles_and_beyond_them():
    numbers = RNG.normal(size=(200, 2)) * [1.0, 0.2]
    model = with_bins(numbers)
    asked = np.linspace(-6, 6, 301)[:, None].repeat(2, axis=1)
    found = encoded(model, asked)
    for column in range(2):
        edges = np.quantile(numbers[:, column].astype("float32"), np.arange(BINS + 1) / BINS)
        np.testing.assert_allclose(found[:, column], formula(asked[:, column], edges), atol=2e-4)


def test_fewer_distinct_values_than_bins_leave_places_empty_and_the_last_bin_at_the_end():
    numbers = np.repeat([0.0, 1.0, 2.0], [41, 20, 20])[:, None]
    found = encoded(with_bins(numbers), np.array([[-1.0], [0.0], [0.5], [1.0], [1.5], [2.0], [4.0]]))[:, 0]
    expected = formula(np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 4.0]), np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(found[:, [0, BINS - 1]], expected, atol=1e-6)
    assert not found[:, 1:-1].any()


def test_two_distinct_values_go_on_at_both_ends():
    numbers = np.repeat([-1.0, 3.0], [21, 20])[:, None]
    found = encoded(with_bins(numbers), np.array([[-3.0], [-1.0], [0.0], [1.0], [3.0], [5.0]]))[:, 0]
    np.testing.assert_allclose(found[:, 0], [-1.0, 0.0, 0.5, 1.0, 1.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(found[:, -1], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0], atol=1e-6)


@pytest.mark.parametrize("edges", ["quantiles", "tree"])
def test_a_constant_column_says_nothing_and_disturbs_no_other(edges):
    numbers = np.stack([np.full(60, 0.7), RNG.normal(size=60)], axis=1)
    model = with_bins(numbers, numbers[:, 1:] > 0, edges=edges)
    found = encoded(model, np.array([[0.7, 0.0], [-5.0, 0.1]]))
    assert not found[:, 0].any()
    assert found[:, 1].any()


@pytest.mark.parametrize("edges", ["quantiles", "tree"])
@pytest.mark.parametrize("bins", [1, 2, 3, 64])
def test_any_number_of_bins_is_encoded(bins, edges):
    numbers = RNG.normal(size=(300, 2))
    found = encoded(with_bins(numbers, np.sin(4 * numbers[:, :1]), bins=bins, edges=edges), numbers)
    assert found.shape == (300, 2, bins)
    ranks = numbers[:, 0].argsort()
    assert (np.diff(found[ranks, 0].sum(axis=1)) >= -1e-4).all()
    assert found[:, 0].std() > 0


def test_bins_are_never_so_narrow_that_rounding_shows():
    numbers = np.concatenate([np.linspace(1.0, 1.0 + 1e-6, 80), np.linspace(-2.0, 2.0, 20)])[:, None]
    model = with_bins(numbers, bins=16)
    assert np.abs(np.asarray(model.get_layer(BINS_LAYER).kernel)).max() <= 1e4


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=40), st.floats(-3, 3), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_the_shares_of_the_bins_by_their_widths_add_up_to_the_number(values, asked, bins):
    numbers = np.array(values)[:, None]
    model = MODELS.setdefault(bins, encoder(1, bins))
    set_bins(model, training(numbers), edges="quantiles")
    slopes = np.asarray(model.get_layer(BINS_LAYER).kernel, np.float64)[0]
    used = slopes > 0
    if not used.any():
        assert np.ptp(values) <= 1e-4 * len(values) * bins
        return
    shares = encoded(model, np.array([[asked]]))[0, 0]
    added_up = (shares[used] / slopes[used]).sum()
    assert added_up == pytest.approx(np.float32(asked) - np.float32(min(values)), abs=1e-4 * (1 + bins))


MODELS: dict[int, keras.Model] = {}


def test_a_tree_finds_the_split_that_matters():
    numbers = RNG.uniform(-1, 1, size=(400, 2))
    labels = numbers[:, 1] > 0.37
    model = with_bins(numbers, np.stack([labels, ~labels], axis=1), bins=2, edges="tree")
    values = np.sort(numbers[:, 1])
    below, above = values[values <= 0.37][-1], values[values > 0.37][0]
    # The first bin is full, and the second begins, somewhere in the gap.
    assert (encoded(model, np.array([[0, below - 0.01], [0, above + 0.01]]))[:, 1] > 0).tolist() == [
        [True, False],
        [True, True],
    ]
    slopes = np.asarray(model.get_layer(BINS_LAYER).kernel, np.float64)[1]
    offsets = np.asarray(model.get_layer(BINS_LAYER).bias, np.float64)[1]
    assert below - 1e-4 <= -offsets[1] / slopes[1] <= above + 1e-4
    assert -offsets[0] / slopes[0] == pytest.approx(values[0], abs=1e-5)


def test_the_bins_of_a_tree_are_no_more_than_asked_and_hold_some_rows_each():
    numbers = RNG.normal(size=(300, 1))
    model = with_bins(numbers, np.sin(9 * numbers), bins=BINS, edges="tree")
    found = encoded(model, numbers)[:, 0]
    inside = [((column > 1e-6) & (column < 1 - 1e-6)).sum() for column in found.T[1:-1]]
    assert min(inside) >= 9


def test_bins_are_weights_that_no_gradient_moves():
    model = with_bins(RNG.normal(size=(50, 1)))
    assert model.trainable_variables == []
    assert len(model.non_trainable_variables) == 2
