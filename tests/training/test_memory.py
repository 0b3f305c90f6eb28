from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.training.memory import LaneCost, lane_limit

costs = st.builds(
    LaneCost,
    parameters=st.integers(1, 10**8),
    activations_per_row=st.integers(1, 10**6),
    batch_rows=st.integers(1, 4096),
)
memories = st.integers(0, 1 << 42)


@given(costs, memories)
def test_there_is_always_one_lane_and_more_than_one_fit_into_half_the_memory(cost, free_bytes):
    lanes = lane_limit(cost, free_bytes)
    assert lanes >= 1
    assert lanes == 1 or lanes * cost.bytes <= free_bytes // 2
    assert (lanes + 1) * cost.bytes > free_bytes // 2


@given(costs, memories)
def test_more_memory_never_means_fewer_lanes(cost, free_bytes):
    assert lane_limit(cost, 2 * free_bytes) >= lane_limit(cost, free_bytes)


@given(costs)
def test_a_larger_batch_costs_more(cost):
    larger = LaneCost(cost.parameters, cost.activations_per_row, cost.batch_rows + 1)
    assert larger.bytes > cost.bytes >= 8 * 4 * cost.parameters
