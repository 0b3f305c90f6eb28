"""The page that compares trials: what its saved view says, and which parameters it shows."""

import base64
import json
import zlib
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_search import STARTED

from autokeras_lite.tracking import names
from autokeras_lite.tracking.comparison import (
    FIRST_PARAMETERS,
    MOST_PARAMETERS,
    Comparison,
    comparison_address,
    side_by_side_address,
    telling_parameters,
)

# What the UI takes from its address; a saved view is passed over where one of them stands there.
FACETS = {
    "searchFilter", "orderByKey", "orderByAsc", "startTime", "lifecycleFilter", "modelVersionFilter", "datasetsFilter",
}  # fmt: skip
PREFIXES = {"metrics": names.METRIC, "params": names.PARAMETER, "tags": names.TAG}


def comparison(direction="maximize", parameters=FIRST_PARAMETERS):
    return Comparison("a1b2", direction, STARTED, STARTED + 60, parameters)


def unpacked(value):
    """The state of the page, read as the UI reads it."""
    envelope = json.loads(value)
    assert set(envelope) == {"name", "createdAt", "updatedAt", "state"}
    packed = envelope["state"].removeprefix("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def state_of(view):
    return unpacked(view.to_tag()[1])


def query_of(address):
    return {key: values[0] for key, values in parse_qs(urlsplit(urlsplit(address).fragment).query).items()}


def is_named(what, key):
    return any(row.what == what and row.covers(key) for row in names.NAMES if row.runs in ("trial", "both"))


def test_the_address_names_the_view_and_nothing_that_would_make_the_ui_pass_it_over():
    key, _ = comparison().to_tag()
    query = query_of(comparison_address("http://here", "7", "a1b2"))

    assert key == f"mlflow.sharedViewState.{query['viewStateShareKey']}"
    assert not FACETS & set(query)


def test_the_view_has_a_name_and_the_times_of_the_search():
    envelope = json.loads(comparison().to_tag()[1])

    assert envelope["name"] == "Trials of 2023-11-14 22:13 UTC, best first"
    assert (envelope["createdAt"], envelope["updatedAt"]) == (1_700_000_000_000, 1_700_000_060_000)


@pytest.mark.parametrize(("direction", "is_ascending"), [("maximize", False), ("minimize", True)])
def test_the_trials_of_one_search_come_best_first(direction, is_ascending):
    state = state_of(comparison(direction))

    assert state["searchFilter"] == "tags.`mlflow.parentRunId` = 'a1b2'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`score`", is_ascending)


def test_every_column_is_a_name_of_the_table():
    for column in state_of(comparison())["selectedColumns"]:
        kind, key = column[:-1].split(".`")
        assert is_named(PREFIXES[kind], key), column


def test_columns_tell_what_a_trial_was_how_it_ended_and_what_it_cost():
    columns = " ".join(state_of(comparison())["selectedColumns"])
    wanted = ("score", "family", "cohort", "rung", "cause", "message", "parameters", "seconds", "rows_per_second")
    assert all(f"{key}`" in columns for key in wanted)


def test_no_chart_comes_from_the_ui_itself():
    charts = state_of(comparison())["compareRunCharts"]
    metrics = {row.key for row in names.NAMES if row.what == names.METRIC and row.runs in ("trial", "both")}
    assert {chart.get("metricKey") for chart in charts} >= metrics


def test_every_chart_stands_in_a_section_and_has_a_key_of_its_own():
    state = state_of(comparison())
    charts = state["compareRunCharts"]
    assert {chart["metricSectionId"] for chart in charts} == {
        section["uuid"] for section in state["compareRunSections"]
    }
    assert len({chart["uuid"] for chart in charts}) == len(charts)
    assert {chart["type"] for chart in charts} == {"PARALLEL", "SCATTER", "LINE", "BAR"}


def test_the_parallel_axes_end_with_the_score():
    (chart,) = [chart for chart in state_of(comparison())["compareRunCharts"] if chart["type"] == "PARALLEL"]
    assert chart["selectedParams"] == list(FIRST_PARAMETERS)
    assert chart["selectedMetrics"][-1] == "score"


def test_a_view_that_would_be_too_long_goes_without_some_axes():
    parameters = tuple(f"structure.{number:04x}{'äöü€' * 50}{number * 7919}" for number in range(60))
    _, value = comparison(parameters=parameters).to_tag()

    assert len(value) <= 5000
    shown = next(chart["selectedParams"] for chart in unpacked(value)["compareRunCharts"] if "selectedParams" in chart)
    assert shown == list(parameters[: len(shown)])


def test_runs_are_set_out_beside_each_other_and_stand_where_the_ui_looks_for_them():
    address = side_by_side_address("http://here", "7", ["a", "b"])
    query = query_of(address)
    assert address.startswith("http://here/#/compare-runs?runs=")
    assert (json.loads(query["runs"]), json.loads(query["experiments"])) == (["a", "b"], ["7"])


# --- which parameters are shown --------------------------------------------------------------------------------------

trials = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["1", "2", "0.5", "relu", "none"])),
        st.floats(-10, 10),
    ),
    max_size=30,
)


@given(trials)
def test_what_is_shown_varies_and_is_known_of_every_trial(tried):
    shown = telling_parameters(tried)
    assert 0 < len(shown) <= MOST_PARAMETERS
    if shown != FIRST_PARAMETERS:
        assert all(key in params for key in shown for params, _ in tried)
        assert all(len({params[key] for params, _ in tried}) > 1 for key in shown)


@given(st.permutations(range(24)))
def test_what_decides_the_score_comes_first(order):
    tried = [({"decides": str(i / 7), "noise": str(order[i] / 7)}, float(i) ** 3) for i in range(24)]
    shown = telling_parameters(tried)
    assert shown[0] == "decides" or order in (list(range(24)), list(range(23, -1, -1))) or len(shown) == 1


def test_a_text_can_decide_as_a_number_can():
    tried = [({"kind": "ab"[i % 2], "rate": str(i)}, float(i % 2)) for i in range(20)]
    assert telling_parameters(tried) == ("kind", "rate")


def test_texts_with_a_level_for_nearly_every_trial_are_not_shown():
    tried = [({"widths": f"[{i}]", "rate": str(i)}, float(i)) for i in range(40)]
    assert telling_parameters(tried) == ("rate",)


def test_of_parameters_that_tell_the_same_trials_apart_one_is_shown():
    tried = [({"family": "ab"[i % 2], "beta": str(i % 2), "a": str(i)}, float(i)) for i in range(20)]
    assert set(telling_parameters(tried)) == {"a", "family"}


def test_of_few_trials_the_usual_parameters_come_first():
    tried = [({"a": str(i), "recipe.learning_rate": str(i * 7 % 9)}, float(i)) for i in range(9)]
    assert telling_parameters(tried) == ("recipe.learning_rate", "a")
    assert telling_parameters(tried * 2) == ("a", "recipe.learning_rate")


def test_neither_the_seed_nor_the_space_is_a_setting():
    tried = [({"seed": str(i), "space": str(i), "a": str(i)}, float(i)) for i in range(9)]
    assert telling_parameters(tried) == ("a",)
