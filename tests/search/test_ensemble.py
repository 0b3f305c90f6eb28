"""An ensemble is a fair choice: shares sum to one, nothing but the data decides, and it stays only if it helps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.search import ensemble as module
from autokeras_lite.search.ensemble import ROWS_OF_A_MEMBER, Ensemble, select_ensemble
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


def select(task, labels, predictions, *, folds=1, seed=0, most_members=8) -> Ensemble:
    codes = np.arange(len(labels)) * folds // max(1, len(labels))
    return select_ensemble(task, labels, codes, predictions, seed=seed, most_members=most_members)


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
    chosen = select(task, labels, predictions, folds=folds, seed=seed, most_members=most_members)
    shares = list(chosen.weights.values())
    assert math.fsum(shares) == pytest.approx(1.0)
    assert min(shares) > 0
    assert shares == sorted(shares, reverse=True)
    assert set(chosen.weights) <= set(predictions)
    assert len(shares) <= max(1, min(most_members, rows // ROWS_OF_A_MEMBER))
    assert chosen.gain >= 0
    assert chosen.kept == (len(shares) > 1)
    assert not task.is_better(chosen.single_score, chosen.score)
    if chosen.kept:
        assert chosen.gain > chosen.gain_error
    else:
        assert chosen.score == chosen.single_score
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
def test_a_gain_by_chance_is_mostly_seen_to_be_chance():
    """Forty coins: the best ones together score better on the rows that chose them, and on no others."""
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    random = np.random.default_rng(0)
    kept = 0
    for seed in range(20):
        labels = random.integers(0, 2, 300)
        coins = {number: random.random((300, 1)) for number in range(40)}
        kept += select(task, labels, coins, seed=seed).kept
    assert kept <= 7


@pytest.mark.slow
def test_the_error_of_the_gain_is_its_deviation_over_fresh_rows():
    task = QUESTIONS[NAMES.index("regression-mae")]
    found = [select(task, *drawn(task, 800, [1.0, 1.0], seed), seed=seed) for seed in range(40)]
    assert np.mean([one.gain_error for one in found]) == pytest.approx(np.std([one.gain for one in found]), rel=0.5)


def test_an_ensemble_has_no_more_members_than_its_rows_support():
    task = QUESTIONS[NAMES.index("regression-rmse")]
    for rows, most in ((99, 1), (150, 3), (1000, 4)):
        labels, predictions = drawn(task, rows, [1.0] * 12)
        assert len(select(task, labels, predictions, most_members=4).weights) == most


def test_folds_and_labels_stand_in_both_halves_alike():
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    random = np.random.default_rng(0)
    labels, folds = (random.random(400) < 0.05).astype(int), np.sort(random.integers(0, 3, 400))
    judge = module._Judge.of(task, labels, folds, {}, random)
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
        module._rows_of_a_bag(module._Judge.of(task, labels, np.zeros(50_000), {}, random)) for labels in (rare, common)
    ]
    assert num_rows[0] * 100 / 50_000 >= 20
    assert num_rows[1] < num_rows[0] < 50_000


def test_very_many_rows_are_resampled_in_part_for_the_same_error(monkeypatch):
    task = QUESTIONS[NAMES.index("regression-mae")]
    labels, predictions = drawn(task, 6000, [1.0, 1.0])
    whole = select(task, labels, predictions).gain_error
    monkeypatch.setattr(module, "_MOST_RESAMPLED", 500)
    assert select(task, labels, predictions).gain_error == pytest.approx(whole, rel=0.3)


def test_a_metric_that_one_fold_lacks_is_the_mean_of_the_others():
    task = QUESTIONS[NAMES.index("binary-roc_auc")]
    labels, predictions = drawn(task, 900, [1.5, 1.5, 1.5])
    labels[:300] = 0  # the first of three folds
    chosen = select(task, labels, predictions, folds=3)
    assert chosen.kept
    defined = [score(task, labels[at], mixed(chosen, predictions)[at]) for at in (slice(300, 600), slice(600, 900))]
    assert chosen.score == pytest.approx(np.mean(defined))


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
