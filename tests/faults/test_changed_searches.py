"""What was asked differs from before, the clock jumps, or a search that has finished is asked for again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fault_checker import Undisturbed, check_disturbed, check_promises, read_results, read_summary
from fault_harness import NAME, Place, write_table
from fault_trade import Deeds


@pytest.fixture
def killed(place: Place) -> Place:
    place.tell(Deeds(epoch_seconds=0.02))
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= 2, driver)
    driver.kill()
    place.tell(Deeds())
    return place


def change_a_cell(place: Place) -> None:
    place.table.write_text(place.table.read_text().replace("0.", "1.", 1))


def add_rows(place: Place) -> None:
    write_table(place.table, rows=200)


def change_the_space(place: Place) -> None:
    place.space.write_text(place.space.read_text().replace("high = 256", "high = 128"))


def keep(place: Place) -> None:
    pass


# What changes, the options that change with it, and what the refusal names.
CHANGES: dict[str, tuple[Callable[[Place], None], tuple[str, ...], str]] = {
    "a cell": (change_a_cell, (), "the data changed"),
    "rows": (add_rows, (), "the data changed"),
    "space": (change_the_space, (), "few.toml changed"),
    "seed": (keep, ("--seed", "7"), "strategy.seed: 0 became 7"),
    "metric": (keep, ("--metric", "accuracy"), "goal.metric: roc_auc became accuracy"),
    "validation": (keep, ("--validation", "0.3"), "validation.fraction: 0.2 became 0.3"),
    "sampler": (keep, ("--sampler", "random"), "strategy.sampler: tpe became random"),
    "budget": (keep, ("--trials", "10"), "budget.trials: 8 became 10"),
}


@pytest.mark.slow
def test_what_differs_is_refused_by_name_and_nothing_is_touched(killed: Place) -> None:
    journal, table, space = killed.folder.journal.read_bytes(), killed.table.read_text(), killed.space.read_text()
    for change, options, named in CHANGES.values():
        change(killed)
        driver = killed.run(*options)
        assert driver.code == 2, driver.text
        assert named in driver.text
        assert "--name" in driver.text
        assert killed.folder.journal.read_bytes() == journal
        killed.table.write_text(table)
        killed.space.write_text(space)
    check_disturbed(killed)
    check_promises(killed, killed.run())


@pytest.mark.slow
def test_a_search_that_is_extended_equals_one_that_had_the_budget_at_once(make_place: Callable[..., Place]) -> None:
    place = make_place(trials=4)
    assert place.run().code == 0
    first = read_results(place)
    refused = place.run("--trials", "8")
    assert refused.code == 2
    assert "--extend" in refused.text
    driver = place.run("--trials", "8", "--extend")
    place.trials = 8
    check_promises(place, driver)
    assert {number: pair for number, pair in read_results(place).items() if number in first} == first
    again = place.run()
    check_promises(place, again)


@pytest.mark.slow
def test_workers_may_differ_when_a_search_goes_on(killed: Place) -> None:
    killed.workers = 2
    driver = killed.run()
    check_promises(killed, driver)
    assert "execution.workers: 1 became 2" in driver.text


@pytest.mark.slow
def test_resume_needs_nothing_but_the_name(make_place: Callable[..., Place], killed: Place) -> None:
    calm = make_place("calm")
    calm.run()
    driver = killed.start(arguments=("resume", NAME, "--runs-dir", str(killed.root)))
    driver.wait()
    check_promises(killed, driver, Undisturbed.of(calm))


@pytest.mark.slow
def test_a_search_that_has_finished_trains_nothing_when_it_is_asked_for_again(place: Place) -> None:
    first = place.run()
    attempts, summary = place.attempts, read_summary(place)
    again = place.run()
    check_promises(place, again)
    assert place.attempts == attempts
    assert read_summary(place) == summary
    assert "had finished already" in again.text or first.text.splitlines()[-5:] == again.text.splitlines()[-5:]


@pytest.mark.slow
def test_a_clock_that_jumps_by_hours_changes_neither_budget_nor_results(make_place: Callable[..., Place]) -> None:
    calm, place = make_place("calm"), make_place()
    calm.run()
    place.more = calm.more
    driver = place.run(clock_jump=3600.0)
    check_promises(place, driver, Undisturbed.of(calm))
    assert read_summary(place).seconds < 60


@pytest.mark.slow
def test_a_clock_that_jumps_by_hours_does_not_end_a_search_with_a_time_limit(place: Place, tmp_path: Path) -> None:
    driver = place.run("--time-limit", "1h", clock_jump=7200.0)
    assert driver.code == 0, driver.text
    assert len(read_results(place)) == place.trials
