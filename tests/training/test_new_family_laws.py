"""The laws of cohort training for every family of tables beside `tabular_mlp`, whose laws the engine is tested with.

A lane of a cohort is the trial alone, and a trial alone is what Keras's own `fit` makes of the same batches.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cohort_laws import assert_same, fitted, go_on, trained
from small_data import TASKS, make_data, make_spec

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import train_cohort
from autokeras_lite.trial import Cause, TrialSpec

KIND = TaskKind.MULTICLASS
RESNET = {"depth": 2, "width": 12, "dropout": 0.2, "residual_dropout": 0.1}
TABM = {"members": 3, "depth": 2, "width": 12, "bins": 5, "number_width": 4, "dropout": 0.2}
REALMLP = {"depth": 2, "width": 12, "frequencies": 4, "dropout": 0.2}
# A small configuration of each kind, and what of its recipe the lanes of a cohort differ in.
MODELS: dict[str, tuple[str, dict[str, Any], dict[str, float]]] = {
    "resnet": ("tabular_resnet", RESNET | {"number_embedding": "none"}, {"dropout": 0.4, "residual_dropout": 0.0}),
    "resnet, piecewise": ("tabular_resnet", RESNET | {"number_embedding": "piecewise", "bins": 5}, {"dropout": 0.0}),
    "resnet, periodic": (
        "tabular_resnet",
        RESNET | {"number_embedding": "periodic", "frequencies": 4},
        {"residual_dropout": 0.3, "frequency_scale": 0.3},
    ),
    "ft_transformer": (
        "tabular_ft_transformer",
        {"depth": 2, "width": 8, "heads": 2, "attention_dropout": 0.2, "dropout": 0.1, "residual_dropout": 0.1},
        {"attention_dropout": 0.4, "dropout": 0.0, "residual_dropout": 0.0},
    ),
    "tabm": ("tabular_tabm", TABM, {"dropout": 0.4}),
    "tabm, full, tree": ("tabular_tabm", TABM | {"sharing": "full", "bin_edges": "tree"}, {"dropout": 0.0}),
    "tabm, plain numbers": ("tabular_tabm", TABM | {"number_embedding": "none"}, {"dropout": 0.5}),
    "realmlp": ("tabular_realmlp", REALMLP, {"dropout": 0.4, "frequency_scale": 0.5}),
    "realmlp, plain numbers": (
        "tabular_realmlp",
        REALMLP | {"number_embedding": "none", "activation": "mish", "parametric": False, "first_layer_factor": 0.5},
        {"dropout": 0.0},
    ),
}


def data_for(*, codes_given: bool = True, folds: int = 1) -> EncodedData:
    """Make rows of which the first flag stands alone and two belong to one column."""
    data = make_data(KIND, codes_given=codes_given, folds=folds)
    return replace(data, inputs=replace(data.inputs, flag_groups=(1, 2)))


def spec_for(name: str, number: int = 0, *, is_other: bool = False, **training: Any) -> TrialSpec:
    family, config, changes = MODELS[name]
    return make_spec(number, family=family, config=config | (changes if is_other else {}), **training)


ONE_OF_EACH = ("resnet", "ft_transformer", "tabm", "realmlp")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "optimizer", "codes_given"),
    [*((name, "sgd", True) for name in ONE_OF_EACH), *((name, "adamw", False) for name in MODELS)],
)
def test_a_trial_alone_is_what_fit_makes_of_it(name, optimizer, codes_given, make_job):
    # With embeddings only SGD, and no clipping: Keras squares their sparse gradient before it adds up repeated rows.
    data = data_for(codes_given=codes_given)
    spec = spec_for(name, optimizer=optimizer, weight_decay=0.02, clip_norm=0.0 if codes_given else 0.5)
    job = make_job(data, TASKS[KIND], (spec,), stop_after=3)
    train_cohort(job, go_on)
    assert_same(trained(job, 0, KIND), fitted(spec, data, KIND, seed=7))


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_lane_of_a_cohort_is_the_trial_alone(name, make_job, tmp_path: Path):
    data = data_for()
    specs = (
        spec_for(name, 0, optimizer="adamw", learning_rate=3e-3, weight_decay=0.1),
        spec_for(name, 1, optimizer="adamw", is_other=True, clip_norm=0.5, label_smoothing=0.1),
        spec_for(name, 2, optimizer="adamw", is_other=True, learning_rate=1e-3),
    )
    together = make_job(data, TASKS[KIND], specs, stop_after=3)
    outcomes = train_cohort(together, go_on)
    cohort = replace(together.cohort, specs=specs[1:2])
    alone = replace(together, cohort=cohort, trials_folder=tmp_path / "alone")
    (single,) = train_cohort(alone, go_on)
    assert [outcome.cause for outcome in outcomes] == [Cause.OK] * 3
    assert outcomes[1].score == pytest.approx(single.score, rel=1e-3)
    assert_same(trained(alone, 1, KIND), trained(together, 1, KIND), tolerance=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ONE_OF_EACH, "tabm, full, tree"])
def test_folds_as_lanes_are_the_folds_one_by_one(name, make_job, tmp_path: Path):
    data, specs = data_for(folds=3), (spec_for(name, 0), spec_for(name, 1, is_other=True))
    together = make_job(data, TASKS[KIND], specs, stop_after=2)
    outcomes = train_cohort(together, go_on)
    alone = replace(
        together, cohort=replace(together.cohort, folds=(0,), specs=(specs[1],)), trials_folder=tmp_path / "alone"
    )
    (single,) = train_cohort(alone, go_on)
    in_that_epoch = single.curve.score[outcomes[1].best_epoch - 1]
    assert in_that_epoch == pytest.approx(outcomes[1].fold_scores[0], rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_the_family_says_that_it_has_lanes(name):
    family, config, _ = MODELS[name]
    assert FAMILIES[family].has_lanes(config)
