"""On real data of every kind a small search learns what there is to learn, and what it leaves is whole."""

import numpy as np
import pandas as pd
import pytest
from real_searches import CASES

from autokeras_lite.artifact.files import PREDICTIONS_FILE
from autokeras_lite.errors import TaskError

pytestmark = pytest.mark.slow
every_case = pytest.mark.parametrize("name", CASES)


def inputs_of(name):
    data, target = CASES[name].make()
    return data[0] if isinstance(data, tuple) else data.drop(columns=target)


def rows_of(inputs, rows):
    return inputs.iloc[rows] if isinstance(inputs, pd.DataFrame) else inputs[rows]


@every_case
def test_the_network_reaches_the_bar(name, searched):
    summary = searched(name).summary
    assert (summary.task, summary.metric) == (CASES[name].task, CASES[name].metric)
    assert summary.best.validation_score >= CASES[name].floor


@every_case
def test_the_network_beats_the_linear_baseline_or_matches_it(name, searched):
    summary = searched(name).summary
    assert summary.direction == "maximize"
    assert summary.best.validation_score >= summary.baselines["linear"] + CASES[name].over_linear
    assert summary.baselines["constant"] < summary.best.validation_score
    assert summary.verdict


@every_case
def test_exactly_the_trials_that_were_asked_for_are_on_the_board(name, searched):
    result, trials = searched(name), CASES[name].trials
    board = result.leaderboard()
    assert len(board) == trials
    assert result.summary.trials.failed == 0
    assert result.summary.trials.completed + result.summary.trials.pruned == trials
    assert board["trial"][0] == result.summary.best.trial
    assert board["score"][0] == result.summary.best.validation_score
    assert "default" in set(board["origin"])


@every_case
def test_the_saved_model_predicts_raw_rows_as_was_measured(name, searched):
    result, task = searched(name), CASES[name].task
    stored = pd.read_parquet(result.folder / "artifact" / PREDICTIONS_FILE)
    inputs = rows_of(inputs_of(name), stored["row"].to_numpy())
    predicted = result.predict(inputs) if task == "regression" else result.predict_proba(inputs)
    measured = stored.filter(like="predicted.").to_numpy()
    np.testing.assert_allclose(predicted.to_numpy(), measured, rtol=1e-3, atol=1e-4)
    assert result.artifact.manifest.parity.holds


@every_case
def test_predictions_have_a_row_for_each_row(name, searched):
    result, case, inputs = searched(name), CASES[name], rows_of(inputs_of(name), np.arange(7))
    predicted = result.predict(inputs)
    assert len(predicted) == 7
    if case.task == "regression":
        assert predicted.shape[1] == case.units
        with pytest.raises(TaskError):
            result.predict_proba(inputs)
        return
    probabilities = result.predict_proba(inputs)
    assert probabilities.shape == (7, case.units)
    assert probabilities.to_numpy().min() >= 0.0
    if case.task != "multilabel":
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
        assert list(predicted.iloc[:, 0].astype(str)) == list(probabilities.idxmax(axis=1))


@every_case
def test_evaluating_all_rows_scores_every_metric_of_the_task(name, searched):
    result, case = searched(name), CASES[name]
    scores = result.evaluate(case.make()[0])
    assert scores["metric"][0] == case.metric
    assert len(scores) == len(set(scores["metric"])) > 3
    # The logarithmic error of a value below zero is no number.
    assert set(scores["metric"][scores["score"].isna()]) <= {"rmsle"}
    assert scores["score"][0] >= case.floor - 0.02  # most of these rows were trained on


def test_predictions_keep_the_index_and_do_not_mind_the_order_of_columns(searched):
    result, inputs = searched("adult"), inputs_of("adult").tail(5)
    turned = inputs[inputs.columns[::-1]].assign(extra=1)
    pd.testing.assert_frame_equal(result.predict_proba(inputs), result.predict_proba(turned))
    assert list(result.predict(inputs).index) == list(inputs.index)
