import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.training.schedules import FADINGS, SCHEDULES, fade_factors, rate_factors
from autokeras_lite.trial import TrainingConfig

lengths = st.integers(1, 40)
schedules = st.sampled_from(sorted(SCHEDULES))


def whole(schedule: str, epochs: int, steps: int, warmup: float = 0.0) -> np.ndarray:
    config = TrainingConfig(schedule=schedule, epochs=epochs, warmup=warmup)
    return np.concatenate([rate_factors(config, epoch, steps) for epoch in range(epochs)])


@given(schedules, lengths, lengths, st.floats(0.0, 0.99))
def test_a_factor_lies_between_nothing_and_one(schedule, epochs, steps, warmup):
    factors = whole(schedule, epochs, steps, warmup)
    assert factors.shape == (epochs * steps,)
    assert np.isfinite(factors).all()
    assert factors.min() >= 0.0
    assert factors.max() <= 1.0


@given(schedules, lengths, lengths, st.sampled_from([0.0, 0.1, 0.5]))
def test_how_an_epoch_is_cut_into_steps_does_not_matter(schedule, epochs, steps, warmup):
    np.testing.assert_allclose(whole(schedule, epochs, steps, warmup), whole(schedule, 1, epochs * steps, warmup))


@given(schedules, lengths, st.integers(2, 40), st.floats(0.1, 0.9))
def test_during_the_warm_up_the_rate_grows(schedule, epochs, steps, warmup):
    factors = whole(schedule, epochs, steps, warmup)
    warming = factors[: int(warmup * epochs * steps)]
    assert (np.diff(warming) > 0).all()


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_a_constant_rate_stays(schedule):
    assert whole(schedule, 5, 3).tolist() == [1.0] * 15


def test_the_cosine_falls_from_one_to_nothing():
    factors = whole("cosine", 10, 10)
    assert factors[0] == 1.0
    assert (np.diff(factors) < 0).all()
    assert factors[50] == pytest.approx(0.5)
    assert factors[-1] < 0.001


def test_one_cycle_rises_for_three_tenths_and_falls_to_nothing():
    factors = whole("one_cycle", 10, 10)
    assert factors[0] == pytest.approx(1 / 25)
    assert factors.argmax() == 30
    assert factors[30] == 1.0
    assert (np.diff(factors[:31]) > 0).all()
    assert (np.diff(factors[30:]) < 0).all()
    assert factors[-1] < 0.002


def test_coslog4_is_its_formula_and_rests_at_valleys_that_lie_ever_further_apart():
    factors, time = whole("coslog4", 15, 20), np.arange(300) / 300
    np.testing.assert_allclose(factors, 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * time))), atol=1e-12)
    # Four cycles: valleys after 0, 1, 3, 7 (and 15) fifteenths of the time, and a peak in each.
    np.testing.assert_allclose(factors[[0, 20, 60, 140]], 0, atol=1e-12)
    assert factors[-1] < 1e-3
    assert [factors[start:end].max() > 0.99 for start, end in ((0, 20), (20, 60), (60, 140), (140, 300))] == [True] * 4


def fade(fading: str, epochs: int, steps: int) -> np.ndarray:
    config = TrainingConfig(fading=fading, epochs=epochs)
    return np.concatenate([fade_factors(config, epoch, steps) for epoch in range(epochs)])


@given(st.sampled_from(sorted(FADINGS)), lengths, lengths)
def test_fading_never_rises_and_does_not_depend_on_how_an_epoch_is_cut(fading, epochs, steps):
    factors = fade(fading, epochs, steps)
    assert factors[0] == 1.0
    assert (np.diff(factors) <= 0).all()
    assert factors.min() > 0
    np.testing.assert_allclose(factors, fade(fading, 1, epochs * steps))


def test_a_flat_cosine_stays_for_half_of_the_time_and_then_falls_to_nothing():
    factors, time = fade("flat_cosine", 10, 20), np.arange(100, 200) / 200
    assert (factors[:101] == 1.0).all()
    np.testing.assert_allclose(factors[100:], 0.5 * (1 + np.cos(np.pi * (2 * time - 1))), atol=1e-12)
    assert factors[-1] < 1e-3
    assert fade("none", 10, 20).tolist() == [1.0] * 200
