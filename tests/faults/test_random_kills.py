"""`kill -9` at random moments, of the driver, its fork server and its workers: nothing is lost and nothing stays."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import pytest
from fault_checker import Undisturbed, check_disturbed, check_promises
from fault_harness import Driver, Place, fork_servers_of, workers_of
from fault_trade import Deeds

KILLS_IN_CI = 25  # of each of the two tests
KILLS_IN_SOAK = 250
_PACE = Deeds(epoch_seconds=0.004, checkpoint_seconds=0.01)


@dataclass
class Figures:
    """What the kills came to; a test that passes has lost nothing and left no orphan."""

    searches: int = 0
    kills: int = 0
    kills_of_drivers: int = 0
    kills_of_children: int = 0
    resumes: int = 0
    trials: int = 0
    attempts: int = 0
    attempts_from_checkpoints: int = 0
    lost: int = 0
    orphans: int = 0

    def count(self, place: Place) -> None:
        """Add up a search that has come to its end; the checks have held that nothing was lost."""
        self.searches += 1
        self.resumes += place.num_started - 1
        self.trials += sum(len(e["outcomes"]) for e in place.events if e["event"] == "ended")
        self.attempts += sum(len(attempt["trials"]) for attempt in place.attempts)
        self.attempts_from_checkpoints += sum(attempt["from_epoch"] > 0 for attempt in place.attempts)

    def write(self, name: str, file: str | None) -> None:
        print(name, asdict(self))
        if file is not None:
            path = Path(file)
            known = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({**known, name: asdict(self)}, indent=1))


@pytest.fixture
def figures_file(request: pytest.FixtureRequest) -> str | None:
    return request.config.getoption("--figures", default=None)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_driver_that_is_killed_again_and_again_comes_to_the_same_search(
    make_place: Callable[..., Place], is_soak: bool, figures_file: str | None
) -> None:
    calm = make_place("calm", trials=12, deeds=_PACE)
    seconds = run_and_time(calm)
    undisturbed, figures, chance = Undisturbed.of(calm), Figures(), random.Random()
    most = KILLS_IN_SOAK if is_soak else KILLS_IN_CI
    while figures.kills < most:
        place = make_place(f"killed-{figures.searches}", trials=12, deeds=_PACE)
        driver = place.start()
        while figures.kills < most and not ends_within(driver, chance.uniform(0.0, 1.2 * seconds)):
            driver.kill()
            figures.kills += 1
            figures.kills_of_drivers += 1
            check_disturbed(place)
            driver = place.start()
        driver.wait()
        check_promises(place, driver, undisturbed)
        figures.count(place)
    figures.write("drivers", figures_file)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_whatever_process_of_a_search_is_killed_nothing_is_lost(
    make_place: Callable[..., Place], is_soak: bool, figures_file: str | None
) -> None:
    figures, chance = Figures(), random.Random()
    seconds = run_and_time(make_place("calm", trials=16, workers=2, deeds=_PACE))
    most = KILLS_IN_SOAK if is_soak else KILLS_IN_CI
    while figures.kills < most:
        place = make_place(f"killed-{figures.searches}", trials=16, workers=2, deeds=_PACE, seed=figures.searches)
        driver = place.start()
        while figures.kills < most and not ends_within(driver, chance.uniform(0.0, 0.6 * seconds)):
            pid = chance.choice([driver.pid, *children(place)])
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                figures.kills += 1
                figures.kills_of_drivers += pid == driver.pid
                figures.kills_of_children += pid != driver.pid
            if pid == driver.pid:
                driver.wait()
                check_disturbed(place)
                driver = place.start()
        driver.wait()
        check_promises(place, driver)
        figures.count(place)
    figures.write("all processes", figures_file)


def run_and_time(place: Place) -> float:
    started = time.monotonic()
    assert place.run().code == 0
    return time.monotonic() - started


def ends_within(driver: Driver, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while driver.runs and time.monotonic() < until:
        time.sleep(0.005)
    return not driver.runs


def children(place: Place) -> list[int]:
    found: list[psutil.Process] = [*fork_servers_of(place.mark), *workers_of(place.mark)]
    return [process.pid for process in found]
