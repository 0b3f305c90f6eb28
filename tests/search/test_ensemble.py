"""An ensemble is a fair choice: shares sum to one, nothing but the data decides, and it stays only if it helps."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autokeras_lite.search import ensemble as module
from autokeras_lite.search.ensemble import Ensemble, select_ensemble
from autokeras_lite.search.trust import Judges
from autokeras_lite.tasks.metrics import METRICS, score
from autokeras_lite.tasks.task import Task, TaskKind

TARGETS = {
    TaskKind.BINARY: ("y",),
    TaskKind.MULTICLASS: ("y",),
    TaskKind.MULTILABEL: ("u", "v"),
    TaskKind.REGRESSION: ("y", "z"),
}
CLASSES = {TaskKind.BINARY: (0, 1), TaskKind.MULTICLASS: (0, 1, 2)}
QUESTIONS = [
    Task(kind, TARGETS[kind], metric.name, metric.direction, CLASSES.get(kind, ()))
    for metric in METRICS.values()
    for kind in TaskKind
    if kind in metric.kinds
]
NAMES = [f"{task.kind}-{task.metric}" for task in QUESTIONS]


def drawn(task: Task, rows: int, noises: list[float], seed: int = 0) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Return labels, and for each noise a configuration whose errors are its own."""
    random = np.random.default_rng(seed)
    if task.kind is TaskKind.REGRESSION:
        labels = np.exp(random.normal(0, 1, (rows, 2)))
        return labels, {3 * i + 2: labels + noise * random.normal(size=labels.shape) for i, noise in enumerate(noises)}
    if task.kind is TaskKind.MULTICLASS:
        labels = random.integers(0, 3, rows)
        signal = 2.0 * np.eye(3)[labels]
    else:
        shape = (rows,) if task.kind is TaskKind.BINARY else (rows, 2)
        labels = random.integers(0, 2, shape)
        signal = 2.0 * labels.reshape(rows, -1) - 1.0
    logits = {3 * i + 2: signal + noise * random.normal(size=signal.shape) for i, noise in enumerate(noises)}
    return labels, {number: probabilities(task, values).astype(np.float32) for number, values in logits.items()}


def probabilities(task: Task, logits: np.ndarray) -> np.ndarray:
    if task.kind is TaskKind.MULTICLASS:
        powers = np.exp(logits)
        return powers / powers.sum(axis=1, keepdims=True)
    return 1.0 / (1.0 + np.exp(-logits))


def select(task, labels, predictions, *, folds=1, seed=0, most_members=8, clusters=None) -> Ensemble:
    judges = Judges(labels, np.arange(len(labels)) * folds // max(1, len(labels)), clusters)
    return select_ensemble(task, judges, predictions, seed=seed, most_members=most_members)


def mean_score(task, labels, predicted, folds: int) -> float:
    codes = np.arange(len(labels)) * folds // len(labels)
    return float(np.mean([score(task, labels[codes == fold], predicted[codes == fold]) for fold in range(folds)]))


def mixed(chosen: Ensemble, predictions) -> np.ndarray:
    return sum(share * predictions[number] for number, share in chosen.weights.items())


@pytest.mark.parametrize("task", QUESTIONS, ids=NAMES)
def test_two_noisy_configurations_with_errors_of_their_own_are_better_together(task):
    labels, predictions = drawn(task, 2000, [1.5, 1.5])
    if task.kind is not TaskKind.REGRESSION:  # averaged in the middle of the scale, as they were drawn around it
        labels, predictions = drawn(task, 2000, [1.5, 1.5, 1.5])
    chosen = select(task, labels, predictions, folds=2)
    assert chosen.kept
    assert len(chosen.weights) > 1
    assert task.is_better(chosen.score, chosen.single_score)
    assert chosen.gain > chosen.gain_error > 0
    assert chosen.score == pytest.approx(mean_score(task, labels, mixed(chosen, predictions), 2))
    singles = [mean_score(task, labels, predicted, 2) for predicted in predictions.values()]
    assert chosen.single_score == pytest.approx(max(singles) if task.direction == "maximize" else min(singles))
    others, fresh = drawn(task, 2000, [1.5] * len(predictions), seed=1)
    apart = [mean_score(task, others, predicted, 2) for predicted in fresh.values()]
    assert task.is_better(mean_score(task, others, mixed(chosen, fresh), 2), float(np.mean(apart)))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    task=st.sampled_from(QUESTIONS),
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(8, 260),
    noises=st.lists(st.sampled_from([0.5, 1.0, 2.0, 8.0]), min_size=1, max_size=14),
    folds=st.integers(1, 3),
    most_members=st.integers(1, 5),
)
def test_the_laws_of_an_ensemble_hold(task, seed, rows, noises, folds, most_members):
    labels, predictions = drawn(task, rows, noises, seed)
    scores = [mean_score(task, labels, predicted, folds) for predicted in predictions.values()]
    assume(not np.isnan(scores).all())
    chosen = select(task, labels, predictions, folds=folds, seed=seed, most_members=most_members)
    shares = list(chosen.weights.values())
    assert math.fsum(shares) == pytest.approx(1.0)
    assert min(shares) > 0
    assert shares == sorted(shares, reverse=True)
    assert set(chosen.weights) <= set(predictions)
    assert len(shares) <= most_members
    assert min(chosen.gain, chosen.gain_error) >= 0
    assert chosen.kept == (len(shares) > 1)
    if not chosen.kept:
        assert (chosen.gain, chosen.score) == (0.0, chosen.single_score)
    backwards = dict(reversed(predictions.items()))
    assert select(task, labels, backwards, folds=folds, seed=seed, most_members=most_members) == chosen


@pytest.mark.parametrize("task", QUESTIONS, ids=NAMES)
def test_one_configuration_is_itself(task):
    labels, predictions = drawn(task, 300, [1.0])
    assert select(task, labels, predictions) == Ensemble(
        {2: 1.0}, *[pytest.approx(score(task, labels, predictions[2]))] * 2, 0.0, 0.0, kept=False
    )


@pytest.mark.parametrize("task", QUESTIONS, ids=NAMES)
def test_configurations_that_predict_the_same_are_one(task):
    labels, predictions = drawn(task, 600, [1.5])
    chosen = select(task, labels, dict.fromkeys((9, 4, 11), predictions[2]), folds=3)
    assert not chosen.kept
    assert chosen.weights == {4: 1.0}
    assert chosen.gain == chosen.gain_error == 0.0


def test_what_is_worse_alone_and_adds_nothing_gets_no_share():
    task = QUESTIONS[NAMES.index("regression-rmse")]
    labels, predictions = drawn(task, 1000, [0.5, 0.5])
    predictions[50] = labels + 100.0
    predictions[51] = np.full_like(labels, np.nan)
    chosen = select(task, labels, predictions)
    assert set(chosen.weights) == {2, 5}
    assert list(chosen.weights.values()) == pytest.approx([0.5, 0.5], abs=0.1)


def test_shares_follow_how_good_a_configuration_is():
    """Of unbiased predictors the best mean weighs each by one over its variance: 0.8 and 0.2 here."""
    task = QUESTIONS[NAMES.index("regression-rmse")]
    labels, predictions = drawn(task, 4000, [1.0, 2.0])
    assert select(task, labels, predictions).weights == pytest.approx({2: 0.8, 5: 0.2}, abs=0.06)


@pytest.mark.slow
def test_what_the_mean_of_coins_gains_by_chance_is_told_as_nothing():
    """Forty coins: the best ones together score better on the rows that chose them, and on no others."""
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    random = np.random.default_rng(0)
    found = []
    for seed in range(20):
        labels = random.integers(0, 2, 300)
        coins = {number: random.random((300, 1)) for number in range(40)}
        judges = Judges(labels, np.zeros(300, int))
        looks = module._Judge.of(task, judges, coins, random)
        found.append(module._unseen_gain(looks, 8, random))
        assert select(task, labels, coins, seed=seed).gain < 0.1
    gains, errors = np.transpose(found)
    assert abs(gains.mean()) < 2 * errors.mean() / np.sqrt(20)


def test_of_configurations_within_noise_all_have_a_share():
    task = QUESTIONS[NAMES.index("binary-log_loss")]
    labels, predictions = drawn(task, 120, [1.5] * 5)
    chosen = select(task, labels, predictions)
    assert set(chosen.weights) == set(predictions)
    assert min(chosen.weights.values()) >= 0.5 / 5


@pytest.mark.parametrize(("measured", "kept"), [(-0.6, False), (-0.4, True), (0.4, True)])
def test_what_is_worse_beyond_noise_on_other_rows_is_not_kept(monkeypatch, measured, kept):
    task = QUESTIONS[NAMES.index("regression-mae")]
    labels, predictions = drawn(task, 400, [1.0, 1.0])
    monkeypatch.setattr(module, "_unseen_gain", lambda *_: (measured, 0.5))
    chosen = select(task, labels, predictions)
    assert (chosen.kept, len(chosen.weights) > 1) == (kept, kept)
    assert (chosen.gain, chosen.gain_error) == (max(0.0, measured), 0.5)


def test_what_belongs_together_stays_in_one_half_and_counts_as_one():
    """Each row judges four times: as one of a cluster it is no surer than once, and none is in both halves."""
    task = QUESTIONS[NAMES.index("regression-mae")]
    labels, predictions = drawn(task, 300, [1.0, 1.2])
    owners = np.tile(np.arange(300), 4)
    repeated = {number: values[owners] for number, values in predictions.items()}
    judges = Judges(labels[owners], np.repeat(np.arange(4), 300), owners)
    looks = module._Judge.of(task, judges, repeated, np.random.default_rng(0))
    one, other = looks.halves(np.random.default_rng(1))
    assert not set(owners[one.rows]) & set(owners[other.rows])
    assert len(one.rows) == len(other.rows) == 600
    once = select(task, labels, predictions)
    assert select(task, labels[owners], repeated, folds=4, clusters=owners).gain_error == pytest.approx(
        once.gain_error, rel=0.2
    )
    assert select(task, labels[owners], repeated, folds=4).gain_error == pytest.approx(once.gain_error / 2, rel=0.2)


@pytest.mark.slow
def test_the_error_of_the_gain_is_its_deviation_over_fresh_rows():
    task = QUESTIONS[NAMES.index("regression-mae")]
    found = [select(task, *drawn(task, 800, [1.0, 1.0], seed), seed=seed) for seed in range(40)]
    assert np.mean([one.gain_error for one in found]) == pytest.approx(np.std([one.gain for one in found]), rel=0.5)


def test_a_bag_has_no_more_members_than_its_rows_support(monkeypatch):
    task = QUESTIONS[NAMES.index("regression-rmse")]
    asked, grow = [], module._grow
    monkeypatch.setattr(module, "_grow", lambda *given: asked.append(given[-1]) or grow(*given))
    for rows, most in ((99, 1), (150, 3), (1000, 4)):
        labels, predictions = drawn(task, rows, [1.0, *[3.0] * 11])  # none is near the first
        assert len(select(task, labels, predictions, most_members=4).weights) <= 4
        assert asked[0] == most
        asked.clear()
    looks = module._Judge.of(task, Judges(labels, np.zeros(1000, int)), predictions, np.random.default_rng(0))
    assert len(grow(looks, [2], [5, 8, 11, 14, 17], 3)) <= 3


def test_folds_and_labels_stand_in_both_halves_alike():
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    random = np.random.default_rng(0)
    labels, folds = (random.random(400) < 0.05).astype(int), np.sort(random.integers(0, 3, 400))
    judge = module._Judge.of(task, Judges(labels, folds), {}, random)
    one, other = judge.halves(random)
    assert not set(one.rows) & set(other.rows)
    assert len(one.rows) == len(other.rows) == 200
    for fold in range(3):
        counts = [int(labels[half.rows][folds[half.rows] == fold].sum()) for half in (one, other)]
        assert abs(counts[0] - counts[1]) <= 2
        assert min(counts) > 0
    sample = judge.sample(100, random)
    assert labels[sample.rows].mean() == pytest.approx(labels.mean(), abs=0.03)
    assert len(set(sample.rows)) == 100


def test_a_rare_class_is_looked_at_on_more_rows():
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    random = np.random.default_rng(0)
    rare, common = np.zeros(50_000, int), np.arange(50_000) % 2
    rare[::500] = 1
    num_rows = [
        module._rows_of_a_bag(module._Judge.of(task, Judges(labels, np.zeros(50_000, int)), {}, random))
        for labels in (rare, common)
    ]
    assert num_rows[0] * 100 / 50_000 >= 20
    assert num_rows[1] < num_rows[0] < 50_000


def test_a_metric_that_one_fold_lacks_is_the_mean_of_the_others():
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    labels, predictions = drawn(task, 900, [1.5, 1.5, 1.5])
    labels[:300] = 0  # the first of three folds
    chosen = select(task, labels, predictions, folds=3)
    assert chosen.kept
    defined = [score(task, labels[at], mixed(chosen, predictions)[at]) for at in (slice(300, 600), slice(600, 900))]
    assert chosen.score == pytest.approx(np.mean(defined))


def test_where_a_half_of_the_rows_has_no_score_the_best_one_is_kept():
    """Two positive rows that belong together are in one half, and the other has no area under a curve."""
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    labels, predictions = drawn(task, 60, [1.5, 1.5, 1.5])
    labels[:] = 0
    labels[:2] = 1
    clusters = np.maximum(np.arange(60), 1)
    chosen = select(task, labels, predictions, clusters=clusters)
    assert (chosen.kept, chosen.gain, len(chosen.weights)) == (False, 0.0, 1)


@pytest.mark.parametrize("values", [{}, {1: np.full((50, 1), np.nan)}])
def test_without_any_score_there_is_no_ensemble(values):
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    with pytest.raises(ValueError, match="has a score"):
        select(task, np.arange(50) % 2, values)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy"])
def test_only_the_best_fifty_candidates_are_taken(metric):
    task = QUESTIONS[NAMES.index(f"binary-{metric}")]
    labels, predictions = drawn(task, 1200, [float(noise) for noise in np.linspace(1.0, 4.0, 80)])
    chosen = select(task, labels, predictions, most_members=30)
    order = sorted(predictions, key=lambda number: score(task, labels, predictions[number]))
    best = order[-50:] if task.direction == "maximize" else order[:50]
    assert set(chosen.weights) <= set(best)
    assert chosen.kept
