"""A forge of drivers for all fault tests, and a place for each."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fault_harness import Forge, Place, no_orphans


@pytest.fixture(scope="session")
def fast_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process has written stays there too."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("faults")
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="autokeras_lite-faults-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def forge(fast_folder: Path) -> Iterator[Forge]:
    forge = Forge(fast_folder)
    forge.warm_up(Place(forge, fast_folder / "warm-up"))
    yield forge
    forge.close()


@pytest.fixture
def make_place(forge: Forge, fast_folder: Path) -> Iterator[Callable[..., Place]]:
    made: list[Place] = []
    folder = fast_folder / uuid4().hex

    def make(name: str = "runs", **settings: Any) -> Place:
        made.append(Place(forge, folder / name, **settings))
        return made[-1]

    yield make
    for place in made:
        with no_orphans(place.mark):
            pass
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="kill for much longer, and try every crash point")
    parser.addoption("--figures", metavar="FILE", help="write what the kills came to as JSON")


@pytest.fixture
def is_soak(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--soak", default=False))
