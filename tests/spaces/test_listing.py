"""Laws of listing spaces."""

from loaded_packages import loaded_by

from autokeras_lite.spaces.listing import list_spaces, shipped_names
from autokeras_lite.spaces.load import load_space


def test_the_list_says_what_the_spaces_say():
    assert {summary.name for summary in list_spaces()} == set(shipped_names())
    for summary in list_spaces():
        space = load_space(summary.name)
        assert (summary.family, summary.summary, set(summary.accepts)) == (space.family, space.summary, space.accepts)


def test_listing_loads_nothing_heavy():
    loaded = loaded_by("from autokeras_lite.spaces.listing import list_spaces; assert list_spaces()")
    assert not loaded & {"pydantic", "pandas", "numpy", "keras", "tensorflow", "optuna"}
