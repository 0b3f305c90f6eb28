"""How numbers are centred and scaled before they are clipped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.data.encode_table import robust_scale

ZEROS = np.zeros(20)


@pytest.mark.parametrize(
    ("others", "width"),
    [
        ([1_000.0, 2_000.0, 3_000.0, 9_000.0, 90_000.0], 7_000.0),  # how the others differ, not the largest of them
        ([1_700.0, 1_800.0, 1_900.0, 2_000.0], 1_850.0),  # far away and near each other: they are not clipped
        ([-1.0, 3.0], 2.0),
        ([4.0, 4.0], 2.0),  # a flag
        ([0.3, 0.1 + 0.2], 0.15),  # rounding is no difference
    ],
)
def test_amounts_that_are_mostly_equal_are_scaled_by_the_others(others, width):
    center, scale = robust_scale(np.concatenate([ZEROS, others]))
    assert (center, scale) == (0.0, pytest.approx(1 / width))


@given(
    st.lists(st.floats(1, 1e6), min_size=1, max_size=15),
    st.sampled_from([1e-3, 0.5, 7.0, 1e4]),
    st.integers(-5, 5),
)
def test_the_unit_of_a_column_does_not_matter(others, factor, offset):
    values = np.concatenate([ZEROS, others])
    center, scale = robust_scale(values)
    moved, scaled = robust_scale(factor * values + offset)
    assert moved == pytest.approx(factor * center + offset, rel=1e-6, abs=1e-6)
    assert scaled * factor == pytest.approx(scale, rel=1e-3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_middle_half_is_within_one_of_the_median_or_half_of_all_are_equal(values):
    column = np.asarray(values)
    center, scale = robust_scale(column)
    low, high = np.quantile(column, [0.25, 0.75])
    assert (high - low) * scale <= 1 + 1e-9
    assert np.isfinite([center, scale]).all()
    assert scale >= 0
