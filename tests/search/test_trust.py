import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.search.trust import Candidate, Ending, Ensemble, Judges, Trust, measure_trust
from autokeras_lite.search.trust_bootstrap import Noise, confidence_interval, epoch_optimism, student_quantile
from autokeras_lite.search.trust_influence import row_influence
from autokeras_lite.tasks.metrics import METRICS, score
from autokeras_lite.tasks.task import Task, TaskKind

PAIRS = sorted((name, str(kind)) for name, metric in METRICS.items() for kind in metric.kinds)
METRICS_OF_SHARES = ("accuracy", "balanced_accuracy", "roc_auc", "average_precision", "f1", "precision", "recall")


def make_task(metric, kind):
    kind = TaskKind(kind)
    targets = ("a", "b") if kind in (TaskKind.MULTILABEL, TaskKind.REGRESSION) else ("y",)
    classes = {TaskKind.BINARY: (0, 1), TaskKind.MULTICLASS: (0, 1, 2)}.get(kind, ())
    return Task(kind, targets, metric, METRICS[metric].direction, classes)


def draw(task, rng, rows=60, skill=1.0):
    """Return labels, and predictions that are better than guessing; some of them are tied."""
    if task.kind is TaskKind.REGRESSION:
        labels = rng.random((rows, 2)) * 3
        return labels, labels + rng.normal(0, 0.5 / skill, (rows, 2))
    if task.kind is TaskKind.MULTICLASS:
        labels = rng.integers(0, 3, rows)
        raw = np.exp(rng.normal(size=(rows, 3)) + 1.5 * skill * np.eye(3)[labels])
        return labels, raw / raw.sum(axis=1, keepdims=True)
    labels = rng.integers(0, 2, (rows, task.units))
    given = 1 / (1 + np.exp(-(rng.normal(size=labels.shape) + 2 * skill * (labels - 0.5))))
    return labels.reshape(rows, -1) if task.units > 1 else labels[:, 0], given.round(2)


def draw_trials(task, rng, trials=6, rows=60, folds=1):
    labels, _ = draw(task, rng, rows)
    predictions = {number: draw_for(task, labels, rng) for number in range(1, trials + 1)}
    return Judges(labels, np.repeat(np.arange(folds), -(-rows // folds))[:rows]), predictions


def draw_for(task, labels, rng):
    if task.kind is TaskKind.REGRESSION:
        return labels + rng.normal(0, 0.5, labels.shape)
    if task.kind is TaskKind.MULTICLASS:
        raw = np.exp(rng.normal(size=(len(labels), 3)) + 1.5 * np.eye(3)[labels])
        return raw / raw.sum(axis=1, keepdims=True)
    truth = labels.reshape(len(labels), -1)
    return 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + 2 * (truth - 0.5))))


def describe(numbers, default=1):
    return {n: Candidate("default" if n == default else "tpe", 1000 - n, float(n)) for n in numbers}


# --- influence -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "kind"), PAIRS)
def test_influence_is_the_derivative_of_the_score_by_the_weight_of_a_row(metric, kind):
    task = make_task(metric, kind)
    labels, given = draw(task, np.random.default_rng(3), rows=30)
    copies, more = 400, 20  # every row so many times, and one row so many times more
    rows = np.repeat(np.arange(30), copies)
    base = score(task, labels[rows], given[rows])
    moved = []
    for row in range(30):
        heavier = np.append(rows, np.full(more, row))
        moved.append((score(task, labels[heavier], given[heavier]) - base) * 30 * copies / more)
    values = row_influence(task, labels, given)
    np.testing.assert_allclose(values, np.array(moved) - np.mean(moved), atol=0.02 * np.abs(values).max() + 1e-9)


def test_every_metric_has_an_influence():
    assert {name for name, _ in PAIRS} == set(METRICS)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_where_a_metric_is_undefined_no_row_moves_it(metric):
    task = make_task(metric, "binary")
    assert not row_influence(task, np.zeros(5, int), np.full((5, 1), 0.3)).any()


# --- bootstrap -----------------------------------------------------------------------------------


def noise_of(scores, rng, rows=200):
    """Return scores whose noise is drawn from rows, in the way of a mean of row losses."""
    losses = rng.normal(size=(rows, len(scores)))
    measured = np.asarray(scores) + losses.mean(axis=0)
    return Noise(measured, (losses - losses.mean(axis=0)) / rows)


def test_nothing_is_corrected_where_one_trial_is_far_ahead():
    rng = np.random.default_rng(0)
    assert noise_of([0.0, 0.0, 9.0], rng).optimism == 0.0


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.2])
def test_the_corrected_best_of_many_is_right_on_the_mean(spread):
    rng, raw, corrected = np.random.default_rng(1), [], []
    for _ in range(300):
        truth = spread * rng.normal(size=12)
        noise = noise_of(truth, rng)
        raw.append(noise.scores[noise.best] - truth[noise.best])
        corrected.append(raw[-1] - noise.optimism)
    error = np.std(corrected) / len(corrected) ** 0.5
    assert np.mean(raw) > 5 * error
    assert abs(np.mean(corrected)) < 0.2 * np.mean(raw) + 2 * error


def test_equal_trials_are_corrected_more_the_more_there_are():
    rng = np.random.default_rng(2)
    means = [np.mean([noise_of(np.zeros(n), rng).optimism for _ in range(30)]) for n in (1, 2, 8, 40)]
    assert means[0] == 0.0
    assert means == sorted(means)


def test_the_truly_best_trial_is_seldom_left_out():
    rng, held, sizes = np.random.default_rng(4), [], []
    for _ in range(100):
        truth = 0.15 * rng.normal(size=10)
        equals = noise_of(truth, rng).find_equals(0.9)
        held.append(int(np.argmax(truth)) in equals)
        sizes.append(len(equals))
    assert np.mean(held) >= 0.9
    assert np.mean(sizes) < 9


def test_trials_with_equal_predictions_are_equal_and_a_worse_twin_is_not():
    moves = np.random.default_rng(5).normal(size=(50, 1)) * np.ones(3) * 0.01
    assert list(Noise(np.array([0.5, 0.5, 0.4]), moves).find_equals(0.9)) == [0, 1]


def test_the_choice_of_an_epoch_flatters_more_where_many_epochs_are_as_good():
    shaky = 0.1 * (-1.0) ** np.arange(30)
    steep = shaky + np.linspace(-100, 0, 30)
    assert epoch_optimism(shaky, 0.1) > 0.05
    assert epoch_optimism(steep, 0.1) == pytest.approx(0.0, abs=1e-9)
    assert epoch_optimism(shaky, 0.2) > epoch_optimism(shaky, 0.1)


@pytest.mark.parametrize("curve", [[0.5], [0.5, 0.5, 0.5], [0.1, np.nan, 0.3]])
def test_a_curve_that_says_nothing_corrects_nothing(curve):
    assert epoch_optimism(np.array(curve), 0.1) == 0.0


@pytest.mark.parametrize("epochs", range(2, 9))
def test_curves_of_every_length_are_read(epochs):
    assert epoch_optimism(np.arange(epochs) % 2 / 10, 0.1) > 0.0


@pytest.mark.parametrize(
    ("probability", "degrees", "table"),
    [(0.95, 1, 6.314), (0.95, 2, 2.920), (0.95, 4, 2.132), (0.975, 10, 2.228), (0.99, 30, 2.457)],
)
def test_student_quantiles_are_those_of_the_tables(probability, degrees, table):
    assert student_quantile(probability, degrees) == pytest.approx(table, rel=2e-3)


def test_student_becomes_normal():
    assert student_quantile(0.95, 1e7) == pytest.approx(NormalDist().inv_cdf(0.95), rel=1e-5)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(METRICS)), st.floats(0, 1), st.floats(0, 0.5), st.integers(2, 10_000))
def test_intervals_hold_their_centre_and_stay_where_scores_can_be(metric, centre, error, rows):
    low, high = confidence_interval(metric, centre, error, 1.7, rows)
    assert low <= centre <= high
    if metric in METRICS_OF_SHARES:
        assert low >= 0
        assert high <= 1
    wider = confidence_interval(metric, centre, error, 2.5, rows)
    assert wider[0] <= low + 1e-12
    assert high <= wider[1] + 1e-12


def test_wilsons_interval_is_that_of_a_share():
    share, rows, z = 0.8, 50, 1.645
    error = (share * (1 - share) / rows) ** 0.5
    limits = confidence_interval("accuracy", share, error, z, 10**6)
    for limit in limits:  # Wilson: the limits are the shares from which this one is z errors away
        assert abs(limit - share) == pytest.approx(z * (limit * (1 - limit) / rows) ** 0.5)


# --- the whole -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "kind"), PAIRS)
@pytest.mark.parametrize("folds", [1, 3])
def test_every_metric_and_kind_of_task_is_measured(metric, kind, folds):
    task = make_task(metric, kind)
    judges, predictions = draw_trials(task, np.random.default_rng(6), folds=folds)
    trust = measure_trust(task, judges, predictions, describe(predictions))
    scores = [score(task, judges.labels, given) for given in predictions.values()]
    if folds == 1:
        assert trust.score == (max(scores) if task.direction == "maximize" else min(scores))
    assert trust.low < trust.corrected < trust.high
    assert not task.is_better(trust.corrected, than=trust.score)
    assert trust.best in trust.equals
    assert Trust.from_json(json.loads(json.dumps(trust.to_json()))) == trust
    assert all(sentence.endswith(".") for sentence in trust.sentences())


def test_it_is_deterministic_and_the_order_of_trials_does_not_matter():
    task = make_task("roc_auc", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(7))
    once = measure_trust(task, judges, predictions, describe(predictions))
    backwards = dict(reversed(predictions.items()))
    assert measure_trust(task, judges, backwards, describe(predictions)) == once


def test_the_score_is_the_mean_over_the_folds():
    task = make_task("roc_auc", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(8), trials=1, folds=3)
    folds = [
        score(task, judges.labels[judges.folds == fold], predictions[1][judges.folds == fold]) for fold in range(3)
    ]
    trust = measure_trust(task, judges, predictions, describe(predictions))
    assert trust.score == pytest.approx(np.mean(folds))
    assert trust.corrected == pytest.approx(trust.score)  # one trial was not picked, and has no curve


def test_the_choice_of_epochs_is_corrected_where_there_are_curves():
    task = make_task("log_loss", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(9), trials=3)
    plain = measure_trust(task, judges, predictions, describe(predictions))
    curves = {number: Candidate("tpe", 1, curve=(0.5, 0.6) * 10) for number in predictions}
    assert measure_trust(task, judges, predictions, curves).corrected > plain.corrected


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_a_model_that_has_seen_all_rows_is_expected_to_be_better_but_not_than_the_measured_score(metric):
    task = make_task(metric, "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(10), trials=6, folds=5)
    curves = {number: Candidate("tpe", 1, curve=(0.5, 0.6) * 10) for number in predictions}
    measured = measure_trust(task, judges, predictions, curves)
    again = measure_trust(task, judges, predictions, curves, ending=Ending(more_rows=1.25))
    sign = 1 if task.direction == "maximize" else -1
    assert 0 < sign * (again.corrected - measured.corrected) < measured.high - measured.low
    assert sign * again.corrected <= sign * again.score
    assert (again.gain, again.overtuned) == (measured.gain, measured.overtuned)
    alone = {1: predictions[1]}
    only = measure_trust(task, judges, alone, describe(alone), ending=Ending(more_rows=1.25))
    assert only.corrected == pytest.approx(only.score)


def test_errors_scale_with_their_unit():
    task = make_task("rmse", "regression")
    judges, predictions = draw_trials(task, np.random.default_rng(10))
    one = measure_trust(task, judges, predictions, describe(predictions))
    large = Judges(judges.labels * 1000, judges.folds)
    thousand = measure_trust(task, large, {n: 1000 * given for n, given in predictions.items()}, describe(predictions))
    assert thousand.equals == one.equals
    for name in ("score", "corrected", "low", "high", "gain", "gain_error"):
        assert getattr(thousand, name) == pytest.approx(1000 * getattr(one, name))


def test_ranks_alone_matter_to_the_area_under_the_curve():
    task = make_task("roc_auc", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(11))
    bent = {number: given**3 for number, given in predictions.items()}
    once = measure_trust(task, judges, predictions, describe(predictions))
    assert measure_trust(task, judges, bent, describe(predictions)) == once


def test_copies_of_rows_in_clusters_add_no_certainty():
    task = make_task("accuracy", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(12), rows=50)
    once = measure_trust(task, judges, predictions, describe(predictions))
    rows = np.repeat(np.arange(50), 4)
    copied = {number: given[rows] for number, given in predictions.items()}
    apart = Judges(judges.labels[rows], judges.folds[rows])
    together = Judges(judges.labels[rows], judges.folds[rows], clusters=rows)
    naive = measure_trust(task, apart, copied, describe(predictions))
    honest = measure_trust(task, together, copied, describe(predictions))
    assert naive.high - naive.low < 0.6 * (once.high - once.low)
    assert honest.low == pytest.approx(once.low)
    assert honest.corrected == pytest.approx(once.corrected)
    assert honest.equals == once.equals


def test_very_many_rows_are_resampled_in_groups_to_the_same_end():
    task = make_task("mae", "regression")
    rng = np.random.default_rng(13)
    labels = rng.normal(size=(20_000, 2))
    given = labels + rng.normal(size=labels.shape)
    trust = measure_trust(task, Judges(labels, np.zeros(20_000, int)), {1: given}, describe([1]))
    error = np.abs(labels - given).mean(axis=1).std() / 20_000**0.5
    assert (trust.high - trust.low) / 2 == pytest.approx(1.645 * 1.1 * error, rel=0.05)


def test_the_smallest_and_the_fastest_are_among_the_equals():
    task = make_task("accuracy", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(14), trials=8)
    predictions[9] = 1 - predictions[1]  # smallest of all, but wrong
    trust = measure_trust(task, judges, predictions, describe(predictions))
    assert 9 not in trust.equals
    assert trust.smallest == max(trust.equals)  # the later the smaller, the earlier the faster
    assert trust.fastest == min(trust.equals)
    same = replace(trust, best=None, smallest=3, fastest=3).sentences()[1]
    assert same.endswith(": the smallest and fastest is trial 3."), same
    untimed = {number: Candidate("tpe", 5) for number in predictions}
    assert measure_trust(task, judges, predictions, untimed).fastest is None


def test_the_default_that_won_gained_nothing_and_was_not_overtuned():
    task = make_task("accuracy", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(15))
    best = measure_trust(task, judges, predictions, describe(predictions, default=None)).best
    trust = measure_trust(task, judges, predictions, describe(predictions, default=best))
    assert (trust.default, trust.gain, trust.gain_error, trust.overtuned) == (best, 0.0, 0.0, False)
    assert trust.default_score == trust.score


def test_without_a_default_there_is_no_gain():
    task = make_task("accuracy", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(16))
    trust = measure_trust(task, judges, predictions, describe(predictions, default=None))
    assert (trust.default, trust.default_score, trust.gain, trust.overtuned) == (None, None, None, False)


@pytest.mark.parametrize(("metric", "kind"), [("accuracy", "binary"), ("rmse", "regression")])
def test_a_winner_far_ahead_of_the_default_has_gained(metric, kind):
    task = make_task(metric, kind)
    judges, predictions = draw_trials(task, np.random.default_rng(17), trials=3, rows=300)
    predictions[1] = np.full_like(predictions[1], 0.4)
    trust = measure_trust(task, judges, predictions, describe(predictions))
    assert trust.gain > 3 * trust.gain_error > 0
    assert not trust.overtuned
    assert "gained about" in trust.sentences()[-1]


def test_the_best_of_many_equals_is_called_overtuned_about_as_often_as_not():
    """Where all trials are equal in truth, the corrected gain over the default is 0 on the mean."""
    task, gains = make_task("accuracy", "binary"), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        judges, predictions = draw_trials(task, rng, trials=10, rows=100)
        trust = measure_trust(task, judges, predictions, describe(predictions))
        if trust.best != trust.default:
            gains.append(trust.gain / trust.gain_error)
            assert trust.overtuned == (trust.gain <= 0)
            assert trust.overtuned == ("overtuned" in trust.sentences()[-1])
    assert abs(np.mean(gains)) < 0.6
    assert min(gains) < 0 < max(gains)


@pytest.mark.parametrize(("metric", "kind"), [("accuracy", "binary"), ("rmse", "regression")])
def test_an_ensemble_is_corrected_by_what_it_gained_on_other_rows(metric, kind):
    task = make_task(metric, kind)
    judges, predictions = draw_trials(task, np.random.default_rng(18), trials=4)
    mean = np.mean(list(predictions.values()), axis=0)
    alone = measure_trust(task, judges, predictions, describe(predictions))
    trust = measure_trust(
        task, judges, predictions, describe(predictions), ending=Ending(ensemble=Ensemble(mean, 0.01))
    )
    sign = 1 if task.direction == "maximize" else -1
    assert trust.best is None
    assert trust.score == score(task, judges.labels, mean)
    assert trust.corrected == pytest.approx(alone.corrected + sign * 0.01)
    assert trust.gain == pytest.approx(sign * (trust.corrected - trust.default_score))
    assert trust.low < trust.corrected < trust.high
    assert set(trust.equals) <= set(predictions)
    assert "the ensemble" in trust.sentences()[1]


def test_folds_that_are_dealt_anew_add_no_certainty_about_the_rows():
    """The same rows judge three times: with their places as clusters the interval is that of one deal."""
    task = make_task("accuracy", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(20), rows=60, folds=3)
    curves = {number: Candidate("tpe", 1, curve=(0.5, 0.6) * 10) for number in predictions}
    once = measure_trust(task, judges, predictions, curves)
    labels, rows = np.tile(judges.labels, 3), np.tile(np.arange(60), 3)
    folds = np.concatenate([judges.folds + 3 * deal for deal in range(3)])
    again = {number: np.tile(given, (3, 1)) for number, given in predictions.items()}
    dealt = measure_trust(task, Judges(labels, folds, clusters=rows), again, curves)
    assert dealt.corrected == pytest.approx(once.corrected)
    assert (dealt.low, dealt.high) == pytest.approx((once.low, once.high))


def test_trials_without_a_score_take_no_part_and_one_is_needed():
    task = make_task("accuracy", "binary")
    judges, predictions = draw_trials(task, np.random.default_rng(19), trials=3)
    lost = {**predictions, 0: np.full_like(predictions[1], np.nan)}
    known = measure_trust(task, judges, predictions, describe(predictions))
    assert measure_trust(task, judges, lost, describe(lost)) == known
    with pytest.raises(ValueError, match="No trial has a finite score"):
        measure_trust(task, judges, {0: lost[0]}, describe(lost))


def test_a_perfect_score_over_few_rows_is_not_certain():
    task = make_task("accuracy", "binary")
    labels = np.arange(30) % 2
    trust = measure_trust(task, Judges(labels, np.zeros(30, int)), {1: labels[:, None].astype(float)}, describe([1]))
    assert trust.score == trust.corrected == trust.high == 1.0
    assert 0.8 < trust.low < 0.95


@pytest.mark.parametrize("folds", [1, 4])
def test_intervals_hold_the_truth_as_often_as_they_say(folds):
    """Twelve networks of equal skill: the truth of the picked one is known, since its noise is drawn."""
    task, held, raw, corrected = make_task("roc_auc", "binary"), [], [], []
    truth = NormalDist().cdf(2 / (2 * 2) ** 0.5)  # means 2 apart, a shared and an own part of variance 1 each
    for seed in range(100):
        rng = np.random.default_rng(1000 + seed)
        labels = rng.permutation(np.arange(120) % 2)
        shared = 2 * labels + rng.normal(size=120)
        values = {n: (shared + rng.normal(size=120))[:, None] for n in range(1, 13)}
        judges = Judges(labels, np.arange(120) * folds // 120)
        predictions = {n: 1 / (1 + np.exp(-value)) for n, value in values.items()}
        trust = measure_trust(task, judges, predictions, describe(predictions))
        held.append(trust.low <= truth <= trust.high)
        raw.append(trust.score - truth)
        corrected.append(trust.corrected - truth)
    assert 0.84 <= np.mean(held) <= 0.99
    assert abs(np.mean(corrected)) < 0.3 * np.mean(raw)


@pytest.mark.parametrize(
    ("metric", "kind"), [("roc_auc", "binary"), ("log_loss", "multiclass"), ("rmse", "regression")]
)
def test_a_winner_that_did_not_score_best_is_as_good_as_the_best_but_not_better_than_measured(metric, kind):
    task = make_task(metric, kind)
    judges, predictions = draw_trials(task, np.random.default_rng(4), trials=9)
    first = measure_trust(task, judges, predictions, describe(predictions))
    sign = 1.0 if task.direction == "maximize" else -1.0
    for number in predictions:
        trust = measure_trust(task, judges, predictions, describe(predictions), ending=Ending(number))
        assert trust.best == number
        assert sign * trust.score <= sign * first.score
        assert sign * trust.corrected <= sign * trust.score + 1e-12
        assert sign * trust.corrected <= sign * first.corrected + 1e-12
        assert trust.low <= trust.corrected <= trust.high
