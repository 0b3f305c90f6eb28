"""Laws of the catalogue of layers."""

import pytest

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.domain import Choice, Fixed, FloatRange, IntRange
from autokeras_lite.spaces.layers import ACTIVATIONS, INITIALIZERS, LAYERS
from autokeras_lite.spaces.training_choices import LOSSES, OPTIMIZERS, SCHEDULES

WITH_KERNEL = ("Dense", "Conv1D", "Conv2D", "SeparableConv2D", "LSTM", "GRU", "MultiHeadAttention")


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_the_defaults_of_every_kind_are_inside_its_bounds(kind):
    for name, setting in kind.settings.items():
        setting.check(kind.defaults[name])
        setting.check_domain(Fixed(kind.defaults[name]))


def test_the_catalogue_has_every_kind_that_was_promised():
    promised = """Dense Activation Dropout Flatten Reshape Conv1D Conv2D SeparableConv2D MaxPooling1D MaxPooling2D
        AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D GlobalAveragePooling1D
        GlobalAveragePooling2D LSTM GRU BatchNormalization LayerNormalization Embedding MultiHeadAttention Identity"""
    assert set(promised.split()) <= set(LAYERS)
    assert all("bidirectional" in LAYERS[kind].settings for kind in ("LSTM", "GRU"))
    assert all({"l1", "l2", "initializer"} <= set(LAYERS[kind].settings) for kind in WITH_KERNEL)
    assert {"relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid"} <= set(ACTIVATIONS)
    assert {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal"} <= set(INITIALIZERS)
    assert {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion"} <= set(OPTIMIZERS)
    assert {"constant", "cosine", "one_cycle", "plateau"} <= set(SCHEDULES)
    assert {"mean_squared_error", "binary_crossentropy", "kl_divergence", "huber"} <= set(LOSSES)


def test_rates_and_penalties_are_recipe_and_nothing_else_is():
    found = {(kind.name, s.name) for kind in LAYERS.values() for s in kind.settings.values() if s.is_recipe}
    assert {name for _, name in found} == {"rate", "l1", "l2"}


def test_convolutions_have_no_lanes_and_everything_else_has():
    assert {kind.name for kind in LAYERS.values() if not kind.has_lanes} == {n for n in LAYERS if "Conv" in n}


@pytest.mark.parametrize(
    ("kind", "name", "domain", "text"),
    [
        ("Dense", "units", Fixed(0), "units is 0. Expected a whole number from 1 up to 16384"),
        ("Dense", "units", Fixed(2.0), "units is 2.0"),
        ("Dense", "units", Fixed(True), "units is True"),
        ("Dense", "units", IntRange(0, 8, default=1), "units is 0"),
        ("Dense", "units", FloatRange(1.0, 8.0, default=1.0), "units is 1.0"),
        ("Dense", "use_bias", Fixed(1), "use_bias is 1. Expected true or false"),
        ("Dense", "activation", Choice(("relu", "gelo"), default="relu"), "activation is 'gelo'.*Did you mean 'gelu'"),
        ("Dense", "l2", Fixed(float("inf")), "l2 is inf"),
        ("Dense", "l2", Fixed(float("nan")), "l2 is nan"),
        ("Dropout", "rate", Fixed(1.0), "rate is 1.0. Expected a number from 0 below 1"),
        ("Reshape", "target", Fixed("8x-1x-1"), "target is '8x-1x-1'. Expected a text like '8x-1'"),
    ],
)
def test_a_setting_out_of_bounds_is_refused(kind, name, domain, text):
    with pytest.raises(SpaceError, match=text):
        LAYERS[kind].settings[name].check_domain(domain)


def test_a_whole_number_does_where_a_number_is_meant():
    LAYERS["Dense"].settings["l2"].check_domain(IntRange(0, 1, default=0))
    assert isinstance(LAYERS["Dense"].settings["l2"].convert(0), float)
