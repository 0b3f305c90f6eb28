"""Which spaces are searched where none is asked for, and which comes first."""

import pytest
from search_fakes import small_space

from autokeras_lite.config import as_search_config
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.search import run
from autokeras_lite.search.run import DEFAULT_SPACES, choose_spaces

MOST_ROWS_OF_A_MINUTE = 45_000


def names(*asked, has_time: bool) -> list[str]:
    return [space.name for space in choose_spaces(asked, InputKind.TABLE, has_time=has_time)]


def test_where_one_trial_gets_far_the_best_one_begins_and_else_the_quickest():
    quick, patient = names(has_time=False), names(has_time=True)
    assert quick == list(DEFAULT_SPACES[InputKind.TABLE])
    assert (quick[0], patient[0]) == ("tabular_mlp", "tabular_tabm")
    assert sorted(quick) == sorted(patient)


@pytest.mark.parametrize("kind", [kind for kind in DEFAULT_SPACES if kind is not InputKind.TABLE])
def test_other_inputs_have_one_space(kind):
    assert [space.name for space in choose_spaces((), kind, has_time=True)] == list(DEFAULT_SPACES[kind])


def test_spaces_that_are_asked_for_stay_in_their_order():
    asked = small_space(), small_space(name="tabular_tabm")
    assert names(*asked, has_time=True) == [space.name for space in asked]


@pytest.mark.parametrize(
    ("seconds", "rows", "expected"),
    [
        (None, 100, False),  # a number of trials: every space has a turn, and a seed repeats a search
        (20.0, 100, False),
        (60.0, 100, True),
        (60.0, MOST_ROWS_OF_A_MINUTE, True),
        (60.0, MOST_ROWS_OF_A_MINUTE + 1, False),
        (120.0, 400_000, False),
    ],
)
def test_time_is_counted_by_rows(seconds, rows, expected):
    config = as_search_config({"time_limit": seconds} if seconds else {"trials": 3}, name="x", targets=("y",))
    assert run._has_time(config, rows) is expected
