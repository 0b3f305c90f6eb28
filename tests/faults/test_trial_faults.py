"""What trials do to themselves: each fails from its cause, and no other trial, result or process feels it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fault_checker import Undisturbed, check_others_are_unharmed, check_promises, read_results
from fault_harness import Place
from fault_trade import Deeds

from autokeras_lite.search.leaderboard import make_failures
from autokeras_lite.trial import Cause

GUILTY = 3
# What a trial does, and how it ends at last.
FATAL = {
    "raise": Cause.EXCEPTION,
    "nan": Cause.DIVERGED,
    "segfault": Cause.SIGNAL,
    "abort": Cause.SIGNAL,
    "exit": Cause.LOST,
    "killed": Cause.LOST,
    "hog fast": Cause.OUT_OF_MEMORY_HOST,
    "hog slowly": Cause.OUT_OF_MEMORY_HOST,
    "device memory": Cause.OUT_OF_MEMORY_DEVICE,
    "hang": Cause.TIMEOUT,
}
LIMITS = ("--memory-limit", "128m", "--trial-time-limit", "4s")


@pytest.mark.parametrize("deed", FATAL)
@pytest.mark.slow
def test_a_trial_fails_alone_from_its_cause(place: Place, deed: str) -> None:
    place.more = LIMITS
    place.misbehave(trial_3={"deed": deed})
    driver = place.run()
    check_promises(place, driver)
    check_others_are_unharmed(place, {GUILTY: FATAL[deed]})


@pytest.mark.slow
def test_a_search_with_one_trial_of_each_cause_tells_them_all(place: Place) -> None:
    place.trials, place.more = 40, LIMITS
    guilty = {2 * index + 1: deed for index, deed in enumerate(FATAL)}
    place.misbehave(**{f"trial_{number}": {"deed": deed} for number, deed in guilty.items()})
    driver = place.run()
    check_promises(place, driver)
    check_others_are_unharmed(place, {number: FATAL[deed] for number, deed in guilty.items()})
    failures = make_failures(place.folder.read_trials(), place.folder).set_index("trial")
    assert {n: Cause(cause) for n, cause in failures["cause"].items()} == {n: FATAL[d] for n, d in guilty.items()}
    assert set(failures["cause"]) == {cause for cause in Cause if cause.status == "failed"}
    assert failures["message"].str.len().min() > 0
    assert failures.loc[1, "message"] == "ValueError: this trial is wrong"
    assert "in misbehave" in Path(failures.loc[1, "traceback"]).read_text()


@pytest.mark.parametrize("deed", ["killed", "segfault"])
@pytest.mark.slow
def test_what_befalls_a_trial_once_is_tried_again_to_the_same_result(
    make_place: Callable[..., Place], deed: str
) -> None:
    calm, place = make_place("calm"), make_place()
    calm.run()
    place.misbehave(trial_3={"deed": deed, "times": 1})
    driver = place.run()
    check_promises(place, driver)
    check_others_are_unharmed(place, {})
    alone = read_results(place)[GUILTY][1]
    assert [attempt.cause for attempt in alone.earlier] == [FATAL[deed]]
    assert alone.curve.score[:3] == read_results(calm)[GUILTY][1].curve.score[:3]


@pytest.mark.slow
def test_trials_that_all_fail_end_the_search_with_their_cause(place: Place) -> None:
    place.misbehave(**{f"trial_{number}": {"deed": "raise"} for number in range(1, 100)})
    driver = place.run()
    assert driver.code == 1
    last = driver.text.splitlines()[-1]
    assert "EXCEPTION" in last
    assert "ValueError: this trial is wrong" in last


@pytest.mark.slow
def test_failures_in_a_row_stop_a_search_that_has_a_model(place: Place) -> None:
    place.trials = 12
    place.misbehave(**{f"trial_{number}": {"deed": "raise"} for number in range(3, 100)})
    driver = place.run()
    assert driver.code == 3, driver.text
    assert "EXCEPTION" in driver.text
    place.tell(Deeds())
    check_promises(place, place.run())


@pytest.mark.slow
def test_a_checkpoint_lets_a_search_go_on_to_the_same_scores(make_place: Callable[..., Place]) -> None:
    pace = Deeds(epoch_seconds=0.03, checkpoint_seconds=0.0)
    calm, place = make_place("calm", trials=4, deeds=pace), make_place(trials=4, deeds=pace)
    calm.run()
    driver = place.start()
    place.wait_until(lambda: list(place.folder.path.glob("checkpoints/0001/epoch-00000[2-9]*")), driver)
    driver.kill()
    check_promises(place, place.run(), Undisturbed.of(calm))
    assert any(attempt["from_epoch"] > 1 for attempt in place.attempts)
