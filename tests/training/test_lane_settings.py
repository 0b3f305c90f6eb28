"""The laws of cohort training for what shapes a training: decay of second moments, fading, members, bins of each fold.

A lane of a cohort is the trial alone, whatever the other lanes do, and a trial alone is what Keras makes of it.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cohort_laws import assert_same, built, fitted, go_on, trained
from small_data import TASKS, make_data, make_spec

from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import read_weights
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import train_cohort
from autokeras_lite.trial import Cause

pytestmark = pytest.mark.slow

PLAIN = {"depth": 2, "width": 12, "dropout": 0.3}
TABM = {"members": 4, "depth": 2, "width": 12, "bins": 5, "number_width": 4, "dropout": 0.2}
REALMLP = {"depth": 2, "width": 12, "frequencies": 4, "dropout": 0.2}
CONFIGS = {"tabular_mlp": PLAIN, "tabular_tabm": TABM, "tabular_realmlp": REALMLP}


@pytest.mark.parametrize("optimizer", ["adam", "adamax", "nadam"])
def test_the_decay_of_second_moments_is_that_of_keras(optimizer, make_job):
    data = make_data(TaskKind.BINARY, codes_given=False)
    spec = make_spec(config=PLAIN, optimizer=optimizer, beta_2=0.8)
    job = make_job(data, TASKS[TaskKind.BINARY], (spec,), stop_after=3)
    train_cohort(job, go_on)
    found = trained(job, 0, TaskKind.BINARY)
    assert_same(found, fitted(spec, data, TaskKind.BINARY, seed=7))
    usual = fitted(replace(spec, training=replace(spec.training, beta_2=0.999)), data, TaskKind.BINARY, seed=7)
    assert not all(np.allclose(one, other, atol=1e-3) for one, other in zip(found, usual, strict=True))


@pytest.mark.parametrize("kind", [TaskKind.BINARY, TaskKind.REGRESSION])
@pytest.mark.parametrize("family", CONFIGS)
def test_fading_and_members_in_a_cohort_of_one_are_what_keras_makes_of_the_same_batches(family, kind, make_job):
    # One unit (binary) and several (regression), rows with weights, dropout and decay that fade in the second half.
    data = make_data(kind, codes_given=False, weighted=True)
    spec = make_spec(
        family=family, config=CONFIGS[family], optimizer="adamw", epochs=4, beta_2=0.95, weight_decay=0.3,
        schedule="coslog4", fading="flat_cosine",
    )  # fmt: skip
    job = make_job(data, TASKS[kind], (spec,), stop_after=4)
    train_cohort(job, go_on)
    assert_same(trained(job, 0, kind), fitted(spec, data, kind, seed=7))


@pytest.mark.parametrize("family", CONFIGS)
def test_lanes_may_differ_in_everything_that_shapes_their_training(family, make_job, tmp_path: Path):
    kind, config = TaskKind.BINARY, CONFIGS[family]
    data, shared = make_data(kind), {"family": family, "optimizer": "adamw", "epochs": 4, "patience": 4}
    specs = (
        make_spec(0, config=config, beta_2=0.9, fading="flat_cosine", weight_decay=0.2, schedule="coslog4", **shared),
        make_spec(1, config=config | {"dropout": 0.5}, beta_2=0.999, weight_decay=0.1, schedule="cosine", **shared),
        make_spec(2, config=config | {"dropout": 0.0}, beta_2=0.95, fading="flat_cosine", ties="last", **shared),
    )
    together = make_job(data, TASKS[kind], specs)
    outcomes = train_cohort(together, go_on)
    for spec, outcome in zip(specs, outcomes, strict=True):
        place = tmp_path / f"alone-{spec.number}"
        alone = replace(together, cohort=replace(together.cohort, specs=(spec,)), trials_folder=place)
        (single,) = train_cohort(alone, go_on)
        assert outcome.cause is Cause.OK
        assert single.best_epoch == outcome.best_epoch
        np.testing.assert_allclose(single.curve.loss, outcome.curve.loss, rtol=1e-3)
        assert_same(trained(alone, spec.number, kind), trained(together, spec.number, kind))


@pytest.mark.parametrize("bin_edges", ["quantiles", "tree"])
def test_each_fold_has_the_bins_of_its_own_training_rows_and_keeps_them(bin_edges, make_job):
    kind = TaskKind.BINARY
    data, spec = make_data(kind, folds=3), make_spec(family="tabular_tabm", config=TABM | {"bin_edges": bin_edges})
    job = make_job(data, TASKS[kind], (spec,), stop_after=2)
    train_cohort(job, go_on)
    found = []
    for number, fold in enumerate(data.folds):
        model = built(spec, data, kind)
        read_weights(job.trials_folder / "0000" / f"weights-{number}.npz", model)
        slopes, offsets = np.asarray(model.get_layer("bins").kernel), np.asarray(model.get_layer("bins").bias)
        found.append(-offsets[:, 0] / slopes[:, 0])
        numbers = fold.inputs["numbers"][fold.train_rows]
        np.testing.assert_allclose(found[-1], numbers.min(axis=0), atol=1e-4)
        if bin_edges == "quantiles":
            edges = np.quantile(numbers, np.arange(6) / 5, axis=0)
            np.testing.assert_allclose(slopes, 1 / np.diff(edges, axis=0).T, rtol=1e-3)
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize("family", ["tabular_tabm", "tabular_realmlp"])
def test_each_fold_as_a_lane_is_the_fold_alone_from_its_own_first_weights(family, make_job, tmp_path: Path):
    # Without dropout: the lanes of a cohort share their noise, whichever fold they see.
    kind, config = TaskKind.REGRESSION, CONFIGS[family] | {"dropout": 0.0}
    data, spec = make_data(kind, folds=3), make_spec(family=family, config=config, optimizer="adamw")
    together = make_job(data, TASKS[kind], (spec,), stop_after=2)
    train_cohort(together, go_on)
    for fold in range(3):
        # The batches of a fold are drawn by its place in the cohort, and so by 7 + fold here and there.
        cohort = replace(together.cohort, folds=(fold,), batch_seed=7 + fold)
        alone = replace(together, cohort=cohort, trials_folder=tmp_path / f"alone-{fold}")
        train_cohort(alone, go_on)
        assert_same(trained(alone, 0, kind, fold), trained(together, 0, kind, fold))


def test_the_reported_score_is_that_of_the_mean_over_the_members(make_job):
    kind = TaskKind.MULTICLASS
    data, spec = make_data(kind), make_spec(family="tabular_tabm", config=TABM, epochs=4, patience=4)
    job = make_job(data, TASKS[kind], (spec,))
    (outcome,) = train_cohort(job, go_on)
    model = build_model(spec.family, spec.config, data.inputs, OutputSpec.of(TASKS[kind]), seed=0)
    read_weights(job.trials_folder / "0000" / "weights-0.npz", model)
    rows = data.folds[0].validation_rows
    logits = model.predict({name: array[rows] for name, array in data.folds[0].inputs.items()}, verbose=0)
    powers = np.exp(logits.astype(np.float64))
    predicted = (powers / powers.sum(axis=-1, keepdims=True)).mean(axis=1)
    assert score(TASKS[kind], data.labels[rows], predicted) == pytest.approx(outcome.score, rel=1e-4)


@pytest.mark.parametrize("family", ["tabular_tabm", "tabular_realmlp"])
def test_biases_of_any_shape_do_not_decay(family, make_job):
    data = make_data(TaskKind.BINARY, codes_given=False)
    config = CONFIGS[family] | {"dropout": 0.0} | ({"sharing": "full"} if family == "tabular_tabm" else {})
    spec = make_spec(
        family=family,
        config=config,
        optimizer="sgd",
        epochs=1,
        schedule="constant",
        learning_rate=1e-9,
        weight_decay=5e8,
    )
    job = make_job(data, TASKS[TaskKind.BINARY], (spec,), stop_after=1)
    train_cohort(job, go_on)
    model = built(spec, data, TaskKind.BINARY)
    before = {v.path: np.asarray(v) for v in model.trainable_variables}
    read_weights(job.trials_folder / "0000" / "weights-0.npz", model)
    for variable in model.trainable_variables:
        stays = len(variable.shape) == 1 or "bias" in variable.path
        if np.abs(before[variable.path]).max() > 0:
            ratio = np.abs(np.asarray(variable)).max() / np.abs(before[variable.path]).max()
            assert ratio == pytest.approx(1.0 if stays else 0.5 ** (192 // 32), rel=1e-3), variable.path
