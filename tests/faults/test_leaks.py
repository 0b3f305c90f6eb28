"""Hundreds of trials, each in a process of its own: nothing grows and nothing stays."""

import pytest
from fault_checker import check_nothing_is_left_running, check_promises
from fault_harness import Place, read_lines

TRIALS = 300
WARM_UP = 50
MOST_BYTES = 30 << 20
# Only structure varies, so each trial is a cohort with a process of its own.
_SPACE = """
family = "tabular_mlp"
summary = "Configurations that cannot train together"
accepts = ["table"]
[parameters]
depth = { type = "int", low = 1, high = 5, default = 2 }
width = { type = "int", low = 16, high = 512, default = 64, step = 16 }
batch_size = { type = "choice", options = [16, 32, 64, 128], default = 32 }
epochs = 2
"""


@pytest.mark.slow
def test_three_hundred_trials_leave_memory_descriptors_and_threads_as_they_were(place: Place) -> None:
    place.trials, place.more = TRIALS, ("--sampler", "random")
    place.space.write_text(_SPACE)
    gauge = place.root / "gauge.jsonl"
    driver = place.run_afresh(300, gauge=str(gauge))
    check_promises(place, driver)
    check_nothing_is_left_running(place)
    of_search = [attempt for attempt in place.attempts if attempt["cohort"] > 0]  # not those of finalists
    assert len(of_search) == TRIALS, "trials were to train one by one"
    readings = read_lines(gauge)
    warm, last = readings[WARM_UP], readings[-1]
    print({name: (warm[name], max(r[name] for r in readings[WARM_UP:]), last[name]) for name in warm})
    for name in ("driver_bytes", "server_bytes"):
        assert max(r[name] for r in readings[WARM_UP:]) - warm[name] < MOST_BYTES, name
    for name in ("descriptors", "server_descriptors", "threads", "children"):
        assert last[name] <= max(r[name] for r in readings[: WARM_UP + 1]), name
