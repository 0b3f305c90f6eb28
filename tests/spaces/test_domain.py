"""Laws of ranges."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.errors import SpaceError
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.spaces.domain import Choice, Fixed, FloatRange, IntRange, Parameter

DOMAINS = [
    IntRange(1, 6, default=3),
    IntRange(2, 8, default=4, step=2),
    IntRange(16, 1024, default=64, log=True),
    FloatRange(0.0, 0.5, default=0.1),
    FloatRange(0.0, 0.3, default=0.1, step=0.1),
    FloatRange(1e-5, 1e-1, default=1e-3, log=True),
    Choice(("relu", 3, 0.5, True), default="relu"),
    Fixed(100),
]


@pytest.mark.parametrize("domain", DOMAINS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_a_range_contains_what_it_suggests(domain, seed):
    assert domain.contains(domain.suggest("x", RandomSuggester(seed)))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_range_contains_its_default_and_no_text_or_boolean_by_accident(domain):
    assert domain.contains(domain.default)
    assert not domain.contains("something else")
    assert not domain.contains(False)


@pytest.mark.parametrize(
    ("domain", "size"),
    [
        (IntRange(2, 8, default=4, step=2), 4),
        (FloatRange(0.0, 0.3, default=0.1, step=0.1), 4),
        (FloatRange(0.0, 0.3, default=0.1), None),
        (FloatRange(1.0, 1.0, default=1.0), 1),
        (Choice(("a", "b"), default="a"), 2),
        (Fixed(None), 1),
    ],
)
def test_a_range_knows_its_size(domain, size):
    assert domain.size() == size


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: IntRange(6, 1, default=3), "low is 6 and high is 1"),
        (lambda: IntRange(1, 6, default=9), "The default 9 is outside. Expected a whole number from 1 to 6"),
        (lambda: IntRange(1, 8, default=1, step=2), "Write high = 7"),
        (lambda: IntRange(1, 8, default=1, step=0), "step is 0"),
        (lambda: IntRange(1, 9, default=1, step=2, log=True), "Remove step or log"),
        (lambda: IntRange(0, 9, default=1, log=True), "Expected more than 0"),
        (lambda: IntRange(0, 2**60, default=1), "Expected numbers up to"),
        (lambda: FloatRange(0.0, float("nan"), default=0.0), "Expected numbers up to"),
        (lambda: FloatRange(0.0, 1.0, default=0.25, step=0.5), "The default 0.25 is outside"),
        (lambda: Choice((), default=1), "There are no options"),
        (lambda: Choice((1, True), default=1), "repeat a value"),
        (lambda: Choice(("a",), default="b"), "Expected one of 'a'"),
    ],
)
def test_a_contradictory_range_is_refused(make, text):
    with pytest.raises(SpaceError, match=text):
        make()


def test_true_is_not_the_number_one():
    assert not Choice((1, 2), default=1).contains(True)
    assert not IntRange(0, 3, default=1).contains(True)
    assert not FloatRange(0.0, 3.0, default=1.0).contains(True)
    assert not Fixed(1).contains(True)


def test_a_parameter_is_active_where_every_condition_holds():
    parameter = Parameter("momentum", Fixed(0.9), {"optimizer": ("sgd", "rmsprop"), "depth": (2,)})
    assert parameter.is_active({"optimizer": "rmsprop", "depth": 2})
    assert not parameter.is_active({"optimizer": "sgd", "depth": 3})
    assert not parameter.is_active({"optimizer": "sgd"})
