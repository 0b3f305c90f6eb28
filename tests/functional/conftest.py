"""Searches that several tests look at: each is run once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from real_searches import search_case

import autokeras_lite as akl


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the runs folder of all searches; making the tracking store once saves seconds for each."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def searched(runs: Path) -> Callable[[str], akl.SearchResult]:
    """Return a function that runs the search of a case, once, and returns its result."""
    return cache(lambda name: search_case(name, runs))
