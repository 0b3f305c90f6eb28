import keras
import numpy as np
import pytest

from autokeras_lite.errors import SpaceError
from autokeras_lite.tasks.losses import FITTING_LOSSES
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.losses import LOSSES, choose_loss, predict, row_losses, smooth

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(size=(6, 3)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[[0, 1, 2, 2, 1, 0]]
LABELS = RNG.integers(0, 2, size=(6, 3)).astype("float32")
VALUES = (3 * RNG.normal(size=(6, 3))).astype("float32")


def softmax(outputs):
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(outputs):
    return 1 / (1 + np.exp(-outputs))


def entropy(targets, probabilities):
    return -(targets * np.log(probabilities) + (1 - targets) * np.log(1 - probabilities)).mean(axis=1)


def huber(targets, outputs):
    error = np.abs(targets - outputs)
    return np.where(error <= 1, 0.5 * error**2, error - 0.5).mean(axis=1)


FORMULAS = {
    "binary_crossentropy": (LABELS, entropy(LABELS, sigmoid(OUTPUTS))),
    "categorical_crossentropy": (ONE_HOT, -np.log(softmax(OUTPUTS)[ONE_HOT.astype(bool)])),
    "kl_divergence": (ONE_HOT, -np.log(softmax(OUTPUTS)[ONE_HOT.astype(bool)])),
    "mean_squared_error": (VALUES, ((VALUES - OUTPUTS) ** 2).mean(axis=1)),
    "huber": (VALUES, huber(VALUES, OUTPUTS)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_formula_for_each_row(name):
    targets, expected = FORMULAS[name]
    np.testing.assert_allclose(np.asarray(LOSSES[name](targets, OUTPUTS)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", TaskKind)
def test_the_usual_loss_of_a_task_is_the_first_that_fits_it(kind):
    assert choose_loss("auto", kind) is LOSSES[FITTING_LOSSES[kind][0]]
    assert [choose_loss(name, kind) for name in FITTING_LOSSES[kind]] == [LOSSES[name] for name in FITTING_LOSSES[kind]]


@pytest.mark.parametrize("kind", TaskKind)
def test_a_loss_that_does_not_fit_the_task_is_refused(kind):
    for name in {*LOSSES, "hinge"} - set(FITTING_LOSSES[kind]):
        with pytest.raises(SpaceError, match=f"Loss '{name}' was chosen for a {kind} task.*Correct 'loss'"):
            choose_loss(name, kind)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothing_is_that_of_keras(smoothing):
    chosen = np.float32(smoothing)
    several = LOSSES["categorical_crossentropy"](smooth(ONE_HOT, chosen, TaskKind.MULTICLASS), OUTPUTS)
    theirs = keras.losses.categorical_crossentropy(ONE_HOT, OUTPUTS, from_logits=True, label_smoothing=smoothing)
    np.testing.assert_allclose(np.asarray(several), np.asarray(theirs), rtol=1e-5)
    for kind in (TaskKind.BINARY, TaskKind.MULTILABEL):
        two = LOSSES["binary_crossentropy"](smooth(LABELS, chosen, kind), OUTPUTS)
        theirs = keras.losses.binary_crossentropy(LABELS, OUTPUTS, from_logits=True, label_smoothing=smoothing)
        np.testing.assert_allclose(np.asarray(two), np.asarray(theirs), rtol=1e-5)


def test_values_are_never_smoothed():
    assert smooth(VALUES, np.float32(0.5), TaskKind.REGRESSION) is VALUES


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (TaskKind.BINARY, sigmoid(OUTPUTS)),
        (TaskKind.MULTILABEL, sigmoid(OUTPUTS)),
        (TaskKind.MULTICLASS, softmax(OUTPUTS)),
        (TaskKind.REGRESSION, OUTPUTS),
    ],
)
def test_outputs_become_probabilities_or_stay_values(kind, expected):
    np.testing.assert_allclose(np.asarray(predict(OUTPUTS, kind)), expected, rtol=1e-5)


MEMBERS = np.stack([OUTPUTS, 2 * OUTPUTS - 1, OUTPUTS[::-1], -OUTPUTS], axis=1)


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_of_a_row_is_the_mean_of_the_losses_of_the_members(name):
    targets, _ = FORMULAS[name]
    each = [np.asarray(LOSSES[name](targets, MEMBERS[:, member])) for member in range(4)]
    found = np.asarray(row_losses(LOSSES[name], targets, MEMBERS))
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-5)
    of_mean = np.asarray(LOSSES[name](targets, MEMBERS.mean(axis=1)))
    assert np.abs(found - of_mean).max() > 0.1
    np.testing.assert_array_equal(row_losses(LOSSES[name], targets, OUTPUTS), LOSSES[name](targets, OUTPUTS))


@pytest.mark.parametrize(("kind", "activation"), [(TaskKind.BINARY, sigmoid), (TaskKind.MULTICLASS, softmax)])
def test_the_probabilities_of_members_are_averaged_and_not_their_logits(kind, activation):
    expected = np.mean([activation(MEMBERS[:, member]) for member in range(4)], axis=0)
    np.testing.assert_allclose(np.asarray(predict(MEMBERS, kind)), expected, rtol=1e-5)
    assert np.abs(expected - activation(MEMBERS.mean(axis=1))).max() > 0.01


def test_the_values_of_members_are_averaged():
    np.testing.assert_allclose(np.asarray(predict(MEMBERS, TaskKind.REGRESSION)), MEMBERS.mean(axis=1), rtol=1e-5)
