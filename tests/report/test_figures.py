"""Every picture keeps the same promises for every kind of search."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_searches import ARRAY_KINDS, HOSTILE, HOSTILE_LINK, KINDS, make_search, write_explanation
from sklearn.metrics import average_precision_score, roc_auc_score

from autokeras_lite.api import load
from autokeras_lite.errors import ConfigError
from autokeras_lite.report.facts import Facts, read_facts
from autokeras_lite.report.figure import MOST_POINTS, PALETTE, THEMES, panel, plain_text, spread
from autokeras_lite.report.figures import FIGURES, plot_search
from autokeras_lite.report.outputs import Question, calibration_bins, precision_recall_curve, read_outputs, roc_curve

OF_CLASSES = {"confusion", "roc", "precision_recall", "calibration"}
OF_VALUES = {"residuals", "predicted_actual"}
OF_TIME = {"series", "horizon", "windows"}
OF_ANY = {"history", "curves", "parallel", "importance", "columns", "slices", "timeline", "rungs"}
APPLIES = {
    "binary": OF_ANY | OF_CLASSES,
    "multiclass": OF_ANY | OF_CLASSES,
    "many_classes": OF_ANY | OF_CLASSES,
    "multilabel": OF_ANY | OF_CLASSES - {"confusion"},
    "regression": OF_ANY | OF_VALUES,
    "several_values": OF_ANY | OF_VALUES,
    "images": OF_ANY | OF_CLASSES,
    "tokens": OF_ANY | OF_CLASSES,
    "sequences": OF_ANY | OF_CLASSES,
    "forecast": OF_ANY | OF_VALUES | OF_TIME,
}
_COLUMNS_OF_POINTS = ("x", "y", "z", "values")


@pytest.fixture(scope="module")
def searches(tmp_path_factory) -> dict[str, Facts]:
    found = {}
    for kind in (*KINDS, *ARRAY_KINDS):
        folder = make_search(tmp_path_factory.mktemp(kind), kind)
        write_explanation(folder, ["size", "colour", "weight"])
        found[kind] = read_facts(folder)
    return found


@pytest.fixture(scope="module")
def odd_searches(tmp_path_factory) -> dict[str, Facts]:
    """Return searches of which little is known."""
    ways: dict[str, dict[str, Any]] = {
        "no trial": {"num_trials": 0},
        "one trial": {"num_trials": 1},
        "no score": {"num_trials": 4, "num_scored": 0},
        "running": {"is_finished": False},
        "old": {"has_times": False},
        "no model": {"has_model": False},
    }
    found = {name: read_facts(make_search(tmp_path_factory.mktemp("odd"), **way)) for name, way in ways.items()}
    return {**found, "many trials": with_many_trials(found["running"], 3000)}


def with_many_trials(facts: Facts, number: int) -> Facts:
    """Repeat the trials and the events of a search under other numbers."""
    times, num_trials = number // len(facts.trials), len(facts.trials)
    trials, events = [], []
    for turn in range(times):
        for trial in facts.trials:
            moved = trial.number + turn * num_trials
            score = None if trial.score is None else trial.score + 0.0001 * turn
            spec, outcome = replace(trial.spec, number=moved), replace(trial.outcome, number=moved, score=score)
            trials.append(replace(trial, spec=spec, outcome=outcome))
        events += [
            {**event, "cohort": event["cohort"] + 100 * turn, "at": event["at"] + 40 * turn} for event in facts.events
        ]
    return replace(facts, trials=tuple(trials), events=tuple(events))


def points(figure) -> int:
    """Count the points of the longest column of each trace; of parallel lines each axis is one."""
    number = 0
    for trace in figure.to_plotly_json()["data"]:
        if trace["type"] == "parcoords":
            number += sum(len(one["values"]) for one in trace["dimensions"])
        elif trace["type"] == "heatmap":
            number += sum(len(row) for row in trace["z"])
        else:
            number += len(trace["x"])
    return number


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def check_promises(name: str, facts: Facts) -> None:
    figure = FIGURES[name]
    for theme in THEMES:
        drawn = figure.draw(facts, theme)
        if drawn is None:
            assert figure.alternative(facts) == ""
            return
        values = json.loads(drawn.to_json())
        assert points(drawn) <= 1.05 * MOST_POINTS
        assert len(figure.alternative(facts).split()) >= 5
        assert drawn.layout.meta["alternative"] == figure.alternative(facts)
        assert drawn.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
        assert "nan" not in figure.alternative(facts).split()
        assert values["layout"].get("height", 400) <= 1000


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", [*KINDS, *ARRAY_KINDS])
def test_a_figure_keeps_its_promises_for_every_kind_of_search(searches, kind, name):
    check_promises(name, searches[kind])


@pytest.mark.parametrize("kind", [*KINDS, *ARRAY_KINDS])
def test_a_figure_is_drawn_for_the_searches_that_it_is_for(searches, kind):
    assert {name for name, figure in FIGURES.items() if figure.draw(searches[kind])} == APPLIES[kind]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("way", ["no trial", "one trial", "no score", "running", "old", "no model", "many trials"])
def test_a_figure_keeps_its_promises_where_little_is_known(odd_searches, way, name):
    check_promises(name, odd_searches[way])


def test_what_cannot_be_drawn_is_not(odd_searches):
    drawn = {way: {name for name in FIGURES if FIGURES[name].sketch(facts)} for way, facts in odd_searches.items()}
    assert drawn["no trial"] == set()
    assert {"history", "curves"} <= drawn["one trial"]
    assert {"parallel", "slices", "importance"} & drawn["one trial"] == set()
    assert {"history", "curves", *OF_CLASSES} & drawn["no score"] == set()
    assert "rungs" in drawn["no score"]
    assert "timeline" not in drawn["old"]
    assert drawn["running"] >= OF_CLASSES


@pytest.mark.parametrize("kind", ["binary", "multiclass", "several_values"])
def test_names_from_data_are_no_markup(tmp_path, kind):
    folder = make_search(tmp_path, kind, hostile=True)
    write_explanation(folder, [HOSTILE, HOSTILE_LINK])
    facts = read_facts(folder)
    drawn = {name: figure.draw(facts) for name, figure in FIGURES.items()}
    found = [text for figure in drawn.values() if figure for text in texts(json.loads(figure.to_json())["data"])]
    layouts = [json.loads(figure.to_json())["layout"] for figure in drawn.values() if figure]
    for layout in layouts:
        layout.pop("meta")  # for a page, which escapes it
        found += texts(layout)
    assert any("&lt;img" in text for text in found)
    assert [text for text in found if "<img" in text or "<a" in text or "$" in text] == []


def test_history_shows_the_best_so_far_and_leaves_out_what_would_squeeze_the_rest(searches):
    facts = searches["binary"]
    drawing = FIGURES["history"].sketch(facts)
    line = drawing.traces[0]
    scores = {trial.number: trial.score for trial in facts.ranked}
    for place, best in zip(line["x"], line["y"], strict=True):
        assert best == max(score for number, score in scores.items() if number <= place)
    low, high = drawing.layout["yaxis"]["range"]
    assert scores[7] < low < max(scores.values()) < high
    assert drawing.layout["updatemenus"][0]["buttons"][1]["args"][0]["visible"] == [False] * 3 + [True] * 3


def test_history_over_time_follows_the_ends_of_trials(searches):
    drawing = FIGURES["history"].sketch(searches["binary"])
    ended = [place for trace in drawing.traces[4:] for place in trace["x"]]
    assert set(ended) == {trial.ended for trial in searches["binary"].ranked}


def test_rungs_count_every_trial_once(searches):
    facts = searches["binary"]
    drawing = FIGURES["rungs"].sketch(facts)
    assert sum(sum(trace["x"]) for trace in drawing.traces) == len(facts.trials)
    stops = dict(zip(drawing.layout["yaxis"]["ticktext"], drawing.traces[0]["x"], strict=True))
    assert stops == {"failed": 2, "first rung": 4, "second rung": 3, "all epochs": 15}


def test_cohorts_that_train_at_once_have_lines_of_their_own(searches):
    drawing = FIGURES["timeline"].sketch(searches["binary"])
    bars = [bar for trace in drawing.traces for bar in zip(trace["y"], trace["base"], trace["x"], strict=True)]
    assert len(bars) == 13  # six that broke, six that ended, one that trains
    for line in {bar[0] for bar in bars}:
        mine = sorted((base, base + length) for place, base, length in bars if place == line)
        assert all(end <= begin + 1e-9 for (_, end), (begin, _) in pairwise(mine))


def test_confusion_counts_every_row_once_also_where_rare_classes_are_one(searches):
    for kind, number in (("binary", 2), ("multiclass", 3), ("many_classes", 25)):
        trace = FIGURES["confusion"].sketch(searches[kind]).traces[0]
        assert np.array(trace["customdata"]).shape == (number, number)
        assert np.sum(trace["customdata"]) == len(searches[kind].predictions)


def test_confusion_is_that_of_the_likeliest_class(searches):
    frame = searches["multiclass"].predictions
    classes = searches["multiclass"].task.classes
    predicted = frame[[f"predicted.{name}" for name in classes]].to_numpy().argmax(axis=1)
    expected = [[int(((frame["actual.y"] == a) & (predicted == p)).sum()) for p in range(3)] for a in classes]
    assert FIGURES["confusion"].sketch(searches["multiclass"]).traces[0]["customdata"] == expected


def test_parallel_lines_end_at_the_score_of_their_trial(searches):
    trace = FIGURES["parallel"].sketch(searches["regression"]).traces[0]
    *parameters, score = trace["dimensions"]
    facts = searches["regression"]
    assert set(score["values"]) <= {trial.score for trial in facts.ranked}
    depth = next((one for one in parameters if one["label"] == "depth"), None)
    if depth is not None:
        by_score = {trial.score: trial.spec.config["depth"] for trial in facts.ranked}
        assert depth["values"] == [by_score[value] for value in score["values"]]


def test_rows_whose_prediction_is_not_finite_are_left_out(searches):
    facts = searches["regression"]
    broken = facts.predictions.copy()
    broken.loc[3, "predicted.y"] = np.inf
    assert len(read_outputs(replace(facts, predictions=broken)).labels) == len(broken) - 1


labelled = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40).filter(
    lambda rows: len({truth for truth, _ in rows}) == 2
)


@given(labelled)
@settings(max_examples=60, deadline=None)
def test_areas_below_the_curves_are_those_of_scikit_learn(rows):
    truth, probability = np.array([row[0] for row in rows]), np.array([row[1] / 8 for row in rows])
    question = Question("yes", truth, probability)
    assert roc_curve(question)[2] == pytest.approx(roc_auc_score(truth, probability))
    assert precision_recall_curve(question)[2] == pytest.approx(average_precision_score(truth, probability))


@given(labelled, st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_calibration_bins_hold_every_row_once_in_order(rows, number):
    truth, probability = np.array([row[0] for row in rows]), np.array([row[1] / 8 for row in rows])
    bins = calibration_bins(probability, truth, number)
    assert sum(rows_in for _, _, rows_in in bins) == len(rows)
    assert sum(share * rows_in for _, share, rows_in in bins) == pytest.approx(truth.sum())
    assert [mean for mean, _, _ in bins] == sorted(mean for mean, _, _ in bins)


@given(st.integers(0, 500), st.integers(2, 60))
@settings(max_examples=60, deadline=None)
def test_what_is_spread_keeps_both_ends_and_the_limit(number, most):
    places = spread(number, most)
    assert len(places) <= most
    assert places == sorted(set(places))
    assert not number or (places[0], places[-1]) == (0, number - 1)


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_plain_text_has_no_mark_that_plotly_obeys(text):
    plain = plain_text(text)
    assert not set("<>$\n\x00") & set(plain)
    assert all(part.startswith(("amp;", "lt;", "gt;", "#36;")) for part in plain.split("&")[1:])


@pytest.mark.parametrize("number", [1, 2, 5, 6])
def test_panels_do_not_overlap(number):
    panels = [panel(place, number, 2) for place in range(number)]
    boxes = [(*one["x_domain"], *one["y_domain"]) for one in panels]
    assert all(0 <= value <= 1 + 1e-9 for box in boxes for value in box)
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]


def test_colours_can_be_seen_on_both_pages():
    for color in PALETTE:
        for page in ("#ffffff", "#16181d"):
            light, dark = sorted((_luminance(color), _luminance(page)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3.0


def _luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return math.fsum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_plot_that_does_not_exist_is_refused_with_those_that_do(tmp_path):
    folder = make_search(tmp_path, num_trials=3)
    with pytest.raises(ConfigError, match=r"Plot 'histroy' was asked for. Expected one of history, curves, parallel"):
        plot_search(folder, "histroy")
    with pytest.raises(
        ConfigError, match=r"does not apply to the search 'binary'. Expected the validation predictions"
    ):
        plot_search(folder, "residuals")
    with pytest.raises(ConfigError, match="Theme 'blue' was given"):
        plot_search(folder, "history", "blue")


def test_a_result_plots_and_lists_its_trials(tmp_path):
    result = load(make_search(tmp_path, num_trials=12))
    assert result.plot("rungs", theme="dark").layout.template.layout.font.color == "#eceff3"
    assert result.trials["trial"].tolist() == list(range(1, 13))


def test_a_plot_has_a_title(tmp_path):
    drawn = plot_search(make_search(tmp_path, num_trials=3), "history", "dark")
    assert drawn.layout.title.text == FIGURES["history"].title
