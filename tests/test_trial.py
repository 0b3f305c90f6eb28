import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.trial import (
    Cause,
    Cohort,
    Curve,
    FailedAttempt,
    TrainingConfig,
    TrialOutcome,
    TrialSpec,
    TrialStatus,
    recipe_fields,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
plain = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), finite, st.text(max_size=8), st.none())
nested = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
trainings = st.builds(
    TrainingConfig, learning_rate=finite, epochs=st.integers(1, 500), schedule=st.sampled_from(["cosine"])
)
specs = st.builds(
    TrialSpec,
    number=st.integers(1, 10**6),
    space=st.text(max_size=8),
    family=st.text(max_size=8),
    config=st.dictionaries(st.text(max_size=8), nested, max_size=4),
    training=trainings,
    seed=st.integers(0, 2**31 - 1),
    origin=st.text(max_size=8),
)
series = st.lists(finite, max_size=4).map(tuple)
outcomes = st.builds(
    TrialOutcome,
    number=st.integers(1, 10**6),
    cause=st.sampled_from(Cause),
    score=st.none() | finite,
    fold_scores=series,
    curve=st.builds(Curve, loss=series, validation_loss=series, score=series),
    message=st.text(max_size=20),
    earlier=st.lists(
        st.builds(
            FailedAttempt,
            cohort=st.integers(1, 10**6),
            lanes=st.integers(1, 16),
            cause=st.sampled_from(Cause),
            message=st.text(max_size=20),
        ),
        max_size=3,
    ).map(tuple),
)
SPEC = TrialSpec(1, "space", "tabular_mlp", {"depth": 2}, TrainingConfig(), 5, "default")


@settings(max_examples=50, deadline=None)
@given(specs)
def test_a_spec_comes_back_from_json_as_it_was(spec):
    assert TrialSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@settings(max_examples=50, deadline=None)
@given(outcomes)
def test_an_outcome_comes_back_from_json_as_it_was(outcome):
    assert TrialOutcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_an_outcome_that_was_written_before_attempts_were_kept_is_read():
    values = TrialOutcome(1, Cause.OK, score=0.5).to_json()
    del values["earlier"]
    assert TrialOutcome.from_json(values) == TrialOutcome(1, Cause.OK, score=0.5)


def test_what_a_prediction_took_comes_back_and_is_missing_from_older_outcomes():
    outcome = TrialOutcome(1, Cause.OK, score=0.5, row_seconds=2e-6)
    values = json.loads(json.dumps(outcome.to_json()))
    assert TrialOutcome.from_json(values).row_seconds == 2e-6
    del values["row_seconds"]
    assert TrialOutcome.from_json(values).row_seconds is None
    assert TrialOutcome.from_json(values) == outcome, "two trainings of one trial are equal whatever they took"


@pytest.mark.parametrize("cause", Cause)
def test_only_what_went_to_its_end_is_completed_and_only_what_was_stopped_is_pruned(cause):
    expected = {
        Cause.OK: TrialStatus.COMPLETED,
        Cause.PRUNED: TrialStatus.PRUNED,
        Cause.CANCELLED: TrialStatus.PRUNED,
    }.get(cause, TrialStatus.FAILED)
    assert cause.status is expected
    assert TrialOutcome(1, cause).status is expected


def test_a_cohort_of_no_trial_cannot_be_made():
    with pytest.raises(ValueError, match="no trial"):
        Cohort(1, (), batch_seed=0)


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, family="layer_stack"),
        replace(SPEC, training=TrainingConfig(batch_size=8)),
        replace(SPEC, training=TrainingConfig(epochs=8)),
    ],
)
def test_a_cohort_cannot_mix_structures(other):
    with pytest.raises(ValueError, match="mixes"):
        Cohort(1, (SPEC, other), batch_seed=0)


def test_a_cohort_may_mix_recipes():
    other = replace(SPEC, number=2, training=TrainingConfig(learning_rate=0.5, schedule="constant", clip_norm=1.0))
    assert len(Cohort(1, (SPEC, other), batch_seed=0).specs) == 2


def test_recipe_fields_of_training_are_what_lanes_may_differ_in():
    assert recipe_fields(TrainingConfig) == {
        "learning_rate", "weight_decay", "label_smoothing", "clip_norm", "schedule", "warmup",
        "beta_2", "fading", "ties",
    }  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_recipe_fields_are_fields_of_the_config(name):
    config_type = FAMILIES[name].config_type
    assert recipe_fields(config_type) <= {f.name for f in fields(config_type)}
