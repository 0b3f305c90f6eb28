"""Files that are torn, deleted, garbage, locked or of a newer version: the journal alone is the truth."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_checker import Undisturbed, check_promises, read_results
from fault_harness import Place
from fault_trade import Deeds

from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.journal import Journal

TRIALS = 4


@pytest.fixture
def killed(make_place: Callable[..., Place]) -> tuple[Place, Undisturbed]:
    """A search that was killed with about half of its results, and what it would have come to."""
    calm, place = make_place("calm", trials=TRIALS), make_place(trials=TRIALS)
    assert calm.run().code == 0
    place.tell(Deeds(epoch_seconds=0.02))
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= 2, driver)
    driver.kill()
    place.tell(Deeds())
    return place, Undisturbed.of(calm)


@pytest.mark.slow
def test_a_journal_that_was_cut_at_any_byte_of_its_last_line_reads_as_without_it(
    killed: tuple[Place, Undisturbed], tmp_path: Path
) -> None:
    content = killed[0].folder.journal.read_bytes()
    lines = content.splitlines(keepends=True)
    before = [json.loads(line) for line in lines[:-1]]
    torn = tmp_path / "journal.jsonl"
    for cut in range(len(lines[-1])):
        torn.write_bytes(b"".join(lines[:-1]) + lines[-1][:cut])
        assert Journal.open(torn).events == before
        assert torn.read_bytes() == b"".join(lines[:-1])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
@pytest.mark.slow
def test_a_search_goes_on_from_a_torn_journal(killed: tuple[Place, Undisturbed], share: float) -> None:
    place, undisturbed = killed
    journal = place.folder.journal
    content = journal.read_bytes()
    begin = content.rindex(b"\n", 0, -1) + 1
    if b'"ended"' in content[begin:]:  # told results may not be torn away: they were synced
        content += b'{"event": "begun", "cohort": 9, "lanes": 1, "trials": {}}\n'
        begin = content.rindex(b"\n", 0, -1) + 1
    journal.write_bytes(content[: begin + int(share * (len(content) - begin))])
    check_promises(place, place.run(), undisturbed)


def test_a_journal_that_is_damaged_in_the_middle_is_refused_and_kept(
    killed: tuple[Place, Undisturbed],
) -> None:
    place, _ = killed
    journal = place.folder.journal
    damaged = journal.read_bytes().replace(b'"event": "begun"', b'"event": "be\x00un', 1)
    journal.write_bytes(damaged)
    driver = place.run()
    assert driver.code == 2
    assert f"Line 1 of {journal} is damaged" in driver.text
    assert journal.read_bytes() == damaged
    with pytest.raises(ArtifactError):
        Journal.open(journal)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


HARMS = {"truncated": truncate, "emptied": lambda path: os.truncate(path, 0), "deleted": Path.unlink}
FILES = {
    "result": "trials/0001/result.json",
    "time": "time.json",
    "baselines": "baselines.json",
    "blueprint": "blueprint/blueprint.json",
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.slow
def test_files_that_are_harmed_are_made_again(killed: tuple[Place, Undisturbed], harm: str) -> None:
    place, undisturbed = killed
    for name in FILES.values():
        file = place.folder.path / name
        if file.exists():
            HARMS[harm](file)
    check_promises(place, place.run(), undisturbed)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.slow
def test_a_harmed_summary_is_made_again(make_place: Callable[..., Place], harm: str) -> None:
    calm, place = make_place("calm", trials=TRIALS), make_place(trials=TRIALS)
    calm.run()
    place.run()
    HARMS[harm](place.folder.summary)
    check_promises(place, place.run(), Undisturbed.of(calm))


@pytest.mark.slow
def test_a_harmed_request_is_told_and_nothing_is_overwritten(killed: tuple[Place, Undisturbed]) -> None:
    place, _ = killed
    truncate(place.folder.request)
    before = place.folder.journal.read_bytes()
    driver = place.run()
    assert driver.code == 2
    assert "search.json is damaged" in driver.text
    assert place.folder.journal.read_bytes() == before


def fill_with_garbage(database: Path) -> None:
    database.write_bytes(b"this is no database at all" * 100)


def flip_bytes(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[100:2000] = bytes(255 - byte for byte in content[100:2000])
    database.write_bytes(content)


def make_newer(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("update alembic_version set version_num = 'v99.0.0'")
        connection.execute("update version_info set schema_version = 99, library_version = '99.0.0'")
    connection.close()


@pytest.mark.parametrize("harm", [fill_with_garbage, flip_bytes, make_newer])
@pytest.mark.slow
def test_a_study_that_cannot_be_read_is_set_aside_and_written_anew(
    killed: tuple[Place, Undisturbed], harm: Callable[[Path], None]
) -> None:
    place, undisturbed = killed
    harm(place.folder.database)
    driver = place.run()
    check_promises(place, driver, undisturbed)
    assert "study.db.damaged-1" in driver.text
    assert (place.folder.path / "study.db.damaged-1").exists()


_LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin exclusive")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize("seconds", [1.0, 60.0])
@pytest.mark.slow
def test_a_study_that_somebody_locks_costs_no_result(
    killed: tuple[Place, Undisturbed], seconds: float, is_soak: bool
) -> None:
    if seconds > 10 and not is_soak:
        pytest.skip("takes half a minute")
    place, undisturbed = killed
    locker = subprocess.Popen(
        [sys.executable, "-c", _LOCK, str(place.folder.database), str(seconds)], stdout=subprocess.PIPE
    )
    assert locker.stdout is not None
    assert locker.stdout.readline() == b"locked\n"
    try:
        driver = place.run()
        assert driver.code == 0, driver.text
        assert len(read_results(place)) == TRIALS
    finally:
        locker.kill()
        locker.wait()
        locker.stdout.close()
    if seconds < 10:
        check_promises(place, driver, undisturbed)
    else:
        assert "study.db could not be written: it lacks" in driver.text
