"""The law of cohort training: a lane is the trial alone, and a trial alone is what Keras's own `fit` makes of it."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from cohort_laws import assert_same, built, fitted, go_on, trained
from small_data import TASKS, make_data, make_spec

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.models.weights import read_weights
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import train_cohort
from autokeras_lite.training.optimizers import OPTIMIZERS
from autokeras_lite.trial import Cause, Directive, EpochReport, TrialSpec

LEARNING_RATES = {"sgd": 0.05, "adadelta": 1.0, "adagrad": 0.05, "lion": 1e-3}
MODELS = {
    "batch norm": {"depth": 2, "width": 16, "norm": "batch", "dropout": 0.2},
    "layer norm, residual": {"depth": 2, "width": 16, "norm": "layer", "residual": True, "dropout": 0.0},
    "periodic": {"depth": 1, "width": 16, "number_embedding": "periodic", "l1": 1e-4, "l2": 1e-3},
}


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_cohort_of_one_is_what_fit_makes_of_the_same_batches_with_every_optimizer(optimizer, make_job):
    # Without embeddings: Keras adds up the sparse gradients of repeated rows only after squaring them (see below).
    data = make_data(TaskKind.BINARY, codes_given=False)
    rate = LEARNING_RATES.get(optimizer, 1e-2)
    spec = make_spec(optimizer=optimizer, learning_rate=rate, weight_decay=0.02, label_smoothing=0.1, clip_norm=0.5)
    job = make_job(data, TASKS[TaskKind.BINARY], (spec,), stop_after=3)
    train_cohort(job, go_on)
    assert_same(trained(job, 0, TaskKind.BINARY), fitted(spec, data, TaskKind.BINARY, seed=7))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", [TaskKind.MULTICLASS, TaskKind.REGRESSION])
def test_a_cohort_of_one_is_what_fit_makes_of_every_kind_of_model(model, kind, make_job):
    # With SGD: an adaptive Keras optimizer squares the sparse gradient of an embedding before adding up repeated rows,
    # which is not the square of the gradient; the engine's gradient is dense.
    data = make_data(kind, weighted=True)
    loss = "huber" if kind is TaskKind.REGRESSION else "auto"
    spec = make_spec(
        config=MODELS[model], loss=loss, optimizer="sgd", learning_rate=0.02, schedule="one_cycle", warmup=0.1
    )
    job = make_job(data, TASKS[kind], (spec,), stop_after=3)
    train_cohort(job, go_on)
    assert_same(trained(job, 0, kind), fitted(spec, data, kind, seed=7))


def different_recipes(optimizer: str = "adam") -> tuple[TrialSpec, ...]:
    rate = LEARNING_RATES.get(optimizer, 1e-2)
    base = MODELS["batch norm"]
    return (
        make_spec(0, optimizer=optimizer, learning_rate=rate, config=base | {"dropout": 0.3, "l2": 1e-3}),
        make_spec(1, optimizer=optimizer, learning_rate=rate / 3, weight_decay=0.1, clip_norm=0.3),
        make_spec(2, optimizer=optimizer, learning_rate=rate / 2, schedule="plateau", config=base | {"dropout": 0.0}),
        make_spec(3, optimizer=optimizer, learning_rate=rate / 5, label_smoothing=0.2, config=base | {"l1": 1e-3}),
    )


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_lane_of_a_cohort_is_the_trial_alone_with_every_optimizer(optimizer, make_job, tmp_path: Path):
    data, specs = make_data(TaskKind.BINARY), different_recipes(optimizer)
    together = make_job(data, TASKS[TaskKind.BINARY], specs)
    outcomes = train_cohort(together, go_on)
    for spec, outcome in list(zip(specs, outcomes, strict=True))[1:3]:
        alone = replace(
            together, cohort=replace(together.cohort, specs=(spec,)), trials_folder=tmp_path / f"alone-{spec.number}"
        )
        (single,) = train_cohort(alone, go_on)
        assert single.best_epoch == outcome.best_epoch
        assert single.score == pytest.approx(outcome.score, abs=2e-3)
        np.testing.assert_allclose(single.curve.loss, outcome.curve.loss, rtol=1e-3)
        assert_same(trained(alone, spec.number, TaskKind.BINARY), trained(together, spec.number, TaskKind.BINARY))


@pytest.mark.slow
@pytest.mark.parametrize("kind", TaskKind)
def test_folds_as_lanes_are_the_folds_one_by_one(kind, make_job, tmp_path: Path):
    data = make_data(kind, folds=3)
    specs = (make_spec(0), make_spec(1, learning_rate=3e-3))
    together = make_job(data, TASKS[kind], specs, stop_after=3)
    outcomes = train_cohort(together, go_on)
    assert all(len(outcome.fold_scores) == 3 and outcome.cause is Cause.OK for outcome in outcomes)
    only = EncodedData(data.inputs, (data.folds[0],), data.labels)
    only.write(tmp_path / "only")
    cohort = replace(together.cohort, folds=(0,), specs=(specs[1],))
    alone = replace(together, cohort=cohort, data_folder=tmp_path / "only", trials_folder=tmp_path / "alone")
    (single,) = train_cohort(alone, go_on)
    in_that_epoch = single.curve.score[outcomes[1].best_epoch - 1]
    assert in_that_epoch == pytest.approx(outcomes[1].fold_scores[0], rel=1e-3)
    assert_same(trained(alone, 1, kind), trained(together, 1, kind))


@pytest.mark.slow
@pytest.mark.parametrize("free_bytes", [8 << 30, 1], ids=["one program", "a program for each lane"])
def test_the_folds_of_a_trial_keep_the_best_epoch_of_their_mean_and_end_together(free_bytes, make_job, tmp_path: Path):
    kind, plain = TaskKind.BINARY, {"depth": 1, "width": 16, "dropout": 0.0}
    data = make_data(kind, folds=3)
    specs = tuple(make_spec(n, config=plain, learning_rate=0.03 * (n + 1), epochs=12, patience=3) for n in range(2))
    together = replace(make_job(data, TASKS[kind], specs), free_bytes=free_bytes)
    for spec, outcome in zip(specs, train_cohort(together, go_on), strict=True):
        alone = []
        for fold in range(3):
            # The batches of a fold are drawn by its place in the cohort, and so by 7 + fold here and there.
            cohort = replace(together.cohort, specs=(spec,), folds=(fold,), batch_seed=7 + fold)
            cohort = replace(cohort, stop_after=outcome.best_epoch)
            place = tmp_path / f"alone-{spec.number}-{fold}"
            (single,) = train_cohort(replace(together, cohort=cohort, trials_folder=place), go_on)
            alone.append(single.curve.score[-1])
            measured = trained(together, spec.number, kind, fold)
            assert_same(trained(replace(together, trials_folder=place), spec.number, kind, fold), measured, 1e-4)
        assert outcome.fold_scores == pytest.approx(alone, abs=1e-3)
        assert outcome.score == pytest.approx(np.mean(outcome.fold_scores))
        assert outcome.best_epoch == 1 + int(np.argmax(outcome.curve.score))
        assert outcome.epochs == min(12, outcome.best_epoch + 3)


@pytest.mark.slow
def test_a_trial_ends_with_the_first_of_its_folds_that_diverges(make_job):
    data = make_data(TaskKind.REGRESSION, folds=3)
    wild = replace(data.folds[1], targets=np.full_like(data.folds[1].targets, 1e30))
    data = replace(data, folds=(data.folds[0], wild, data.folds[2]))
    job = make_job(data, TASKS[TaskKind.REGRESSION], (make_spec(0, epochs=5, patience=5),))
    (outcome,) = train_cohort(job, go_on)
    assert (outcome.cause, outcome.score, outcome.epochs) == (Cause.DIVERGED, None, 0)
    assert "in epoch 1" in outcome.message
    assert not list(job.trials_folder.glob("*/weights-*.npz"))


@pytest.mark.slow
def test_a_lane_that_diverges_ends_alone(make_job, tmp_path: Path):
    data = make_data(TaskKind.REGRESSION)
    plain = {"depth": 2, "width": 16, "dropout": 0.0}
    sane, wild = make_spec(0, config=plain), make_spec(1, config=plain, optimizer="adam", learning_rate=1e30)
    job = make_job(data, TASKS[TaskKind.REGRESSION], (sane, wild))
    outcomes = train_cohort(job, go_on)
    alone = replace(job, cohort=replace(job.cohort, specs=(sane,)), trials_folder=tmp_path / "alone")
    (single,) = train_cohort(alone, go_on)
    assert outcomes[0].cause is Cause.OK
    assert outcomes[0].score == pytest.approx(single.score, rel=1e-4)
    assert outcomes[1].cause is Cause.DIVERGED
    assert outcomes[1].score is None
    assert "No finite score" in outcomes[1].message


@pytest.mark.slow
def test_stopped_lanes_leave_and_the_others_do_not_notice(make_job, tmp_path: Path):
    data = make_data(TaskKind.BINARY)
    specs = tuple(
        replace(spec, training=replace(spec.training, epochs=110, patience=110)) for spec in different_recipes()
    )
    sizes: list[int] = []

    def stop_three(report: EpochReport) -> Directive:
        sizes.append(len(report.scores))
        return Directive(prune=frozenset({0, 1, 3})) if report.epoch == 2 else Directive(cancel=report.epoch == 6)

    job = make_job(data, TASKS[TaskKind.BINARY], specs)
    outcomes = train_cohort(job, stop_three)
    assert sizes == [4, 4, 1, 1, 1, 1]
    assert [outcome.cause for outcome in outcomes] == [Cause.PRUNED, Cause.PRUNED, Cause.CANCELLED, Cause.PRUNED]
    assert [outcome.epochs for outcome in outcomes] == [2, 2, 6, 2]
    alone = replace(job, cohort=replace(job.cohort, specs=(specs[2],)), trials_folder=tmp_path / "alone")
    (single,) = train_cohort(alone, stop_three)
    np.testing.assert_allclose(single.curve.loss, outcomes[2].curve.loss, rtol=1e-3)
    assert_same(trained(alone, 2, TaskKind.BINARY), trained(job, 2, TaskKind.BINARY))


@pytest.mark.slow
def test_the_kept_weights_make_the_score_that_was_reported(make_job):
    kind = TaskKind.MULTICLASS
    data = make_data(kind)
    spec = make_spec(0, learning_rate=0.1, epochs=8, patience=8)
    job = make_job(data, TASKS[kind], (spec,))
    (outcome,) = train_cohort(job, go_on)
    model = built(spec, data, kind)
    read_weights(job.trials_folder / "0000" / "weights-0.npz", model)
    rows = data.folds[0].validation_rows
    logits = model.predict({name: array[rows] for name, array in data.folds[0].inputs.items()}, verbose=0)
    probabilities = np.asarray(keras.ops.softmax(logits))
    assert score(TASKS[kind], data.labels[rows], probabilities) == pytest.approx(outcome.score, rel=1e-4)
    assert outcome.score == min(outcome.curve.score)
    assert outcome.best_epoch == 1 + int(np.argmin(outcome.curve.score))
