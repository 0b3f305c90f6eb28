"""A disk that fills up, a limit on the size of files, and no file descriptors left."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_checker import Undisturbed, check_disturbed, check_promises
from fault_harness import Forge, Place, no_orphans
from fault_trade import Deeds

DISK_BYTES = 64 << 20
TRIALS = 6


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def on_small_disk(forge: Forge, small_disk: Path) -> Iterator[Place]:
    place = Place(forge, small_disk / "runs", trials=TRIALS)
    with no_orphans(place.mark):
        yield place


@pytest.fixture
def undisturbed(make_place: Callable[..., Place]) -> Undisturbed:
    calm = make_place("calm", trials=TRIALS)
    assert calm.run().code == 0
    return Undisturbed.of(calm)


def fill(folder: Path, *, leave_bytes: int) -> Path:
    """Take all room but so many bytes."""
    file = folder / "filler"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with file.open("ab") as filler:
        filler.write(b"\0" * max(0, free - leave_bytes))
    return file


@pytest.mark.parametrize("leave_bytes", [0, 1 << 20])
@pytest.mark.slow
def test_a_search_whose_disk_fills_up_ends_and_goes_on_when_there_is_room(
    on_small_disk: Place, undisturbed: Undisturbed, leave_bytes: int
) -> None:
    place = on_small_disk
    place.tell(Deeds(epoch_seconds=0.02))
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= 2, driver)
    told = len(place.acks)
    filler = fill(place.root.parent, leave_bytes=leave_bytes)
    assert driver.wait() == 5, driver.text
    assert "Free some space" in driver.text.splitlines()[-1]
    check_disturbed(place)
    assert len(place.acks) >= told
    filler.unlink()
    place.tell(Deeds())
    check_promises(place, place.run(), undisturbed)


@pytest.mark.slow
def test_a_disk_that_is_full_from_the_start_is_told(on_small_disk: Place) -> None:
    filler = fill(on_small_disk.root.parent, leave_bytes=0)
    driver = on_small_disk.run()
    assert driver.code in (2, 5), driver.text
    assert len(driver.text.splitlines()[-1]) > 20
    assert "Traceback" not in driver.text
    filler.unlink()
    check_promises(on_small_disk, on_small_disk.run())


@pytest.mark.parametrize("file_bytes", [1500, 4000, 8000])
@pytest.mark.slow
def test_a_limit_on_the_size_of_files_reads_as_a_full_disk(
    make_place: Callable[..., Place], undisturbed: Undisturbed, file_bytes: int
) -> None:
    place = make_place(trials=TRIALS)
    driver = place.run(file_bytes=file_bytes)
    assert driver.code == 5, driver.text
    assert "Traceback" not in driver.text
    check_disturbed(place)
    check_promises(place, place.run(), undisturbed)


@pytest.mark.parametrize("descriptors", [20, 26])
@pytest.mark.slow
def test_a_search_without_file_descriptors_says_so_and_loses_nothing(
    make_place: Callable[..., Place], undisturbed: Undisturbed, descriptors: int
) -> None:
    place = make_place(trials=TRIALS)
    driver = place.run(descriptors=descriptors)
    if driver.code != 0:
        assert "Too many open files" in driver.text, driver.text
        check_disturbed(place)
    check_promises(place, place.run(), undisturbed if driver.code == 0 else None)
