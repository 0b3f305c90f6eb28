"""The one search that several tests of pages look at."""

from pathlib import Path

import pytest
from page_search import search_for_pages


@pytest.fixture(scope="session")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data of the project, in which the search of the pages was made."""
    folder = tmp_path_factory.mktemp("tour")
    search_for_pages(folder)
    return folder
