import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_arrays

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import state_variables
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.lanes import LaneDropout, dropout_layers, make_template, read_lanes, unflatten
from autokeras_lite.trial import TrainingConfig

pytestmark = pytest.mark.slow

INPUTS = InputSpec(InputKind.TABLE, (ArraySpec("numbers", (4,)),))
SMALL = {"depth": 2, "width": 8, "norm": "batch", "dropout": 0.2}


def built(seed: int = 0, **config) -> keras.Model:
    return build_model("tabular_mlp", SMALL | config, INPUTS, OutputSpec(TaskKind.BINARY, 1), seed=seed)


@given(st.lists(numpy_arrays.array_shapes(min_dims=0, max_dims=3, max_side=4), min_size=1, max_size=5))
def test_flat_parameters_are_cut_into_the_arrays_they_were_made_of(shapes):
    arrays = [np.random.default_rng(i).normal(size=shape).astype("float32") for i, shape in enumerate(shapes)]
    flat = np.concatenate([array.ravel() for array in arrays])
    for array, part in zip(arrays, unflatten(flat, shapes), strict=True):
        np.testing.assert_array_equal(array, part)


def test_lanes_hold_what_the_models_differ_in():
    models = [built(1, dropout=0.1, l2=1e-3), built(2, dropout=0.3, l1=1e-4)]
    training = [TrainingConfig(weight_decay=0.1, clip_norm=1.0), TrainingConfig(label_smoothing=0.2, beta_2=0.9)]
    lanes = read_lanes(models, training, [0, 2])
    assert len(lanes) == 2
    shapes = [tuple(variable.shape) for variable in models[0].trainable_variables]
    for lane, model in enumerate(models):
        parts = unflatten(lanes.parameters[lane], shapes)
        for part, variable in zip(parts, model.trainable_variables, strict=True):
            np.testing.assert_array_equal(part, variable.numpy())
        for array, variable in zip(lanes.state, state_variables(model), strict=True):
            np.testing.assert_array_equal(array[lane], variable.numpy())
    np.testing.assert_allclose(lanes.dropout, [[0.1, 0.1], [0.3, 0.3]])
    np.testing.assert_allclose(lanes.weight_decay, [0.1, 0.0])
    np.testing.assert_allclose(lanes.clip_norm, [1.0, 0.0])
    np.testing.assert_allclose(lanes.smoothing, [0.0, 0.2])
    np.testing.assert_allclose(lanes.beta_2, [0.999, 0.9])
    assert lanes.fold.tolist() == [0, 2]


def test_only_regularised_kernels_have_penalties():
    model = built(l1=1e-4, l2=1e-3)
    lanes = read_lanes([model], [TrainingConfig()], [0])
    hidden = [v.path.startswith("dense_") and v.path.endswith("kernel") for v in model.trainable_variables]
    np.testing.assert_allclose(lanes.l1[0], np.where(hidden, 1e-4, 0.0))
    np.testing.assert_allclose(lanes.l2[0], np.where(hidden, 1e-3, 0.0))
    assert sum(hidden) == 2


def test_models_of_different_shapes_are_no_lanes():
    with pytest.raises(ValueError, match="different shapes"):
        read_lanes([built(), built(width=16)], [TrainingConfig()] * 2, [0, 0])


def test_taking_lanes_takes_every_array():
    lanes = read_lanes([built(i, dropout=i / 10) for i in range(3)], [TrainingConfig()] * 3, [0, 1, 2])
    taken = lanes.take([2, 0])
    assert taken.fold.tolist() == [2, 0]
    np.testing.assert_array_equal(taken.parameters, lanes.parameters[[2, 0]])
    np.testing.assert_array_equal(taken.dropout, lanes.dropout[[2, 0]])
    for array, whole in zip(taken.state, lanes.state, strict=True):
        np.testing.assert_array_equal(array, whole[[2, 0]])


def test_a_template_computes_what_the_model_does():
    model = built(3)
    template = make_template(model, seed=5, dropout_used=[True, True])
    x = {"numbers": np.random.default_rng(0).normal(size=(5, 4)).astype("float32")}
    trainable = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in state_variables(model)]
    rates = [keras.ops.zeros(()), keras.ops.zeros(())]
    sources = {"state": state, "rate": rates, "seed": [seed.value for seed in template.seeds]}
    others = [sources[role][index] for role, index in template.roles]
    outputs, _ = template.model.stateless_call(trainable, others, x, training=False)
    np.testing.assert_allclose(np.asarray(outputs), model.predict_on_batch(x), rtol=1e-5)


def test_every_variable_of_a_template_has_one_role():
    template = make_template(built(), seed=0, dropout_used=[True, False])
    roles = [role for role, _ in template.roles]
    assert len(roles) == len(template.model.non_trainable_variables)
    assert roles.count("rate") == 1
    assert roles.count("state") == len(state_variables(built()))
    assert len(template.seeds) == roles.count("seed") == 2
    assert len(set(template.roles)) == len(roles)


def test_a_dropout_that_no_lane_uses_stays_a_plain_one():
    template = make_template(built(), seed=0, dropout_used=[False, True])
    kinds = [type(layer) for layer in template.model.layers if layer.name.startswith("dropout_")]
    assert kinds == [keras.layers.Dropout, LaneDropout]
    assert template.num_dropouts == len(dropout_layers(built())) == 2


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_the_dropout_of_lanes_is_that_of_keras(rate):
    x = np.random.default_rng(0).normal(size=(50, 20)).astype("float32")
    ours, theirs = LaneDropout(11, name="ours"), keras.layers.Dropout(rate, seed=11)
    ours.build(x.shape)
    ours.rate.assign(rate)
    np.testing.assert_allclose(np.asarray(ours(x, training=True)), np.asarray(theirs(x, training=True)), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(ours(x, training=False)), x)


def test_the_same_noise_drops_more_at_a_higher_rate():
    x = np.ones((50, 20), "float32")
    kept = []
    for rate in (0.2, 0.6):
        layer = LaneDropout(4, name="dropout")
        layer.build(x.shape)
        layer.rate.assign(rate)
        kept.append(np.asarray(layer(x, training=True)) > 0)
    assert (kept[0] | ~kept[1]).all()
    assert kept[0].sum() > kept[1].sum()
