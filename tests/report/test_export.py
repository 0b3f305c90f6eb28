"""Everything that was tried, in a form that other programs read."""

import json

import numpy as np
import pandas as pd
import pytest
from made_searches import make_search

from autokeras_lite.report.export import COLUMNS, trial_lines, trials_frame
from autokeras_lite.search.folder import SearchFolder


def test_there_is_a_row_for_every_trial_in_order(tmp_path):
    folder = make_search(tmp_path)
    frame = trials_frame(folder)
    trials = SearchFolder(folder).read_trials()
    assert frame["trial"].tolist() == [spec.number for spec, _ in trials]
    assert frame["state"].tolist() == [str(outcome.status) for _, outcome in trials]
    assert frame["cause"].tolist() == [str(outcome.cause) for _, outcome in trials]
    assert frame["cohort"].tolist() == [2 * (1 + (spec.number - 1) // 4) for spec, _ in trials]
    assert frame["ended"].min() == 5.5
    scores = [np.nan if outcome.score is None else outcome.score for _, outcome in trials]
    np.testing.assert_array_equal(frame["score"], scores)


def test_settings_say_whether_they_shape_the_graph(tmp_path):
    folder = make_search(tmp_path, num_trials=5)
    frame = trials_frame(folder)
    assert list(frame.columns[: len(COLUMNS)]) == list(COLUMNS)
    settings = [name for name in frame.columns if name not in COLUMNS]
    assert all(name.startswith(("structure.", "recipe.")) for name in settings)
    assert {"structure.depth", "structure.optimizer", "structure.batch_size"} <= set(settings)
    assert {"recipe.learning_rate", "recipe.dropout", "recipe.weight_decay"} <= set(settings)
    specs = [spec for spec, _ in SearchFolder(folder).read_trials()]
    assert frame["structure.depth"].tolist() == [spec.config["depth"] for spec in specs]
    assert frame["recipe.learning_rate"].tolist() == [spec.training.learning_rate for spec in specs]


def test_a_line_has_what_a_row_has_and_the_curves(tmp_path):
    folder = make_search(tmp_path)
    lines = [json.loads(line) for line in trial_lines(folder)]
    frame = trials_frame(folder)
    for line, (_, row) in zip(lines, frame.iterrows(), strict=True):
        assert {name: value for name, value in row.items() if not pd.isna(value)} == {
            name: line[name] for name in row.index if line.get(name) is not None
        }
    outcomes = [outcome for _, outcome in SearchFolder(folder).read_trials()]
    assert [tuple(line["curves"]["validation_loss"]) for line in lines] == [
        one.curve.validation_loss for one in outcomes
    ]


def test_what_is_not_finite_is_null(tmp_path):
    folder = make_search(tmp_path, num_trials=2)
    place = SearchFolder(folder).trial(2) / "result.json"
    values = json.loads(place.read_text())
    values["outcome"]["score"], values["outcome"]["curve"]["loss"] = np.nan, [1.0, np.inf]
    place.write_text(json.dumps(values))
    line = json.loads(list(trial_lines(folder))[1])
    assert line["score"] is None
    assert line["curves"]["loss"] == [1.0, None]


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_search_without_a_trial_has_the_columns_only(tmp_path, is_finished):
    frame = trials_frame(make_search(tmp_path, num_trials=0, is_finished=is_finished))
    assert frame.empty
    assert list(frame.columns) == list(COLUMNS)
