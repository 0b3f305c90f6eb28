"""The model file of each family of tables predicts what its network does, also when it is read again."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from tiny_artifact import CENTER, SCALE, TASKS, encoding_of, good_table

from autokeras_lite.artifact.assemble import assemble_model
from autokeras_lite.artifact.check import check_model_file
from autokeras_lite.artifact.parity import measure_parity
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode import raw_inputs
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.tasks.task import TaskKind

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet": ("tabular_resnet", {"depth": 2, "width": 16, "number_embedding": "none"}),
    "resnet, piecewise": ("tabular_resnet", {"depth": 1, "width": 16, "number_embedding": "piecewise"}),
    "resnet, periodic": ("tabular_resnet", {"depth": 1, "width": 16, "number_embedding": "periodic"}),
    "ft_transformer": ("tabular_ft_transformer", {"depth": 2, "width": 16, "heads": 4}),
    "mlp": ("tabular_mlp", {"depth": 1, "width": 16, "number_embedding": "periodic", "norm": "batch"}),
    "realmlp": ("tabular_realmlp", {"depth": 1, "width": 16}),
    "realmlp, plain numbers": ("tabular_realmlp", {"depth": 1, "width": 16, "number_embedding": "none"}),
    "tabm": ("tabular_tabm", {"depth": 1, "width": 16, "members": 3}),
    "tabm, full": ("tabular_tabm", {"depth": 1, "width": 16, "members": 3, "sharing": "full", "bin_edges": "tree"}),
    "tabm, plain numbers": ("tabular_tabm", {"depth": 1, "width": 16, "members": 3, "number_embedding": "none"}),
}


def test_every_family_of_tables_has_a_case():
    of_tables = {name for name, family in FAMILIES.items() if family.accepts == {InputKind.TABLE}}
    assert {family for family, _ in CONFIGS.values()} == of_tables


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TaskKind.BINARY, TaskKind.MULTICLASS, TaskKind.REGRESSION])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_file_predicts_what_the_network_does(name, kind, tmp_path):
    family, config = CONFIGS[name]
    table, task = good_table(), TASKS[kind]
    encoding = encoding_of(table)
    encoded = encoding.encode(table)
    rows = TrainingRows(encoded, np.random.default_rng(0).normal(size=(len(table), task.units)).astype("float32"))
    network = build_model(family, config, encoding.inputs, OutputSpec.of(task), seed=3, rows=rows)
    center, scale = (CENTER, SCALE) if kind is TaskKind.REGRESSION else (np.zeros(task.units), np.ones(task.units))
    model = assemble_model(network, encoding, task, center, scale)
    parity = measure_parity(model, network, encoding, task, center, scale, table)
    assert parity.rows == len(table)
    assert parity.holds, parity
    model.save(tmp_path / "model.keras")
    check_model_file(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    raw = raw_inputs(encoding, table)
    np.testing.assert_array_equal(again.predict_on_batch(raw), model.predict_on_batch(raw))


@pytest.mark.parametrize("kind", [TaskKind.BINARY, TaskKind.MULTICLASS])
@pytest.mark.parametrize("name", ["mlp", "tabm"])
def test_a_model_file_counts_classes_alike_where_the_network_was_judged_so(name, kind, tmp_path):
    family, config = CONFIGS[name]
    table, task = good_table(), replace(TASKS[kind], metric="balanced_accuracy", direction="maximize")
    encoding = encoding_of(table)
    rows = TrainingRows(encoding.encode(table), np.zeros((len(table), task.units), "float32"))
    network = build_model(family, config, encoding.inputs, OutputSpec.of(task), seed=3, rows=rows)
    plain = assemble_model(network, encoding, task, np.zeros(task.units), np.ones(task.units))
    shift = np.linspace(0.5, 2.0, task.units)
    model = assemble_model(network, encoding, task, shift, np.ones(task.units))
    assert measure_parity(model, network, encoding, task, shift, np.ones(task.units), table).holds
    raw = raw_inputs(encoding, table)
    odds = np.asarray(plain.predict_on_batch(raw), np.float64)
    odds = odds / (1 - odds) * np.exp(shift) if kind is TaskKind.BINARY else odds * np.exp(shift)
    expected = odds / (1 + odds) if kind is TaskKind.BINARY else odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_on_batch(raw), expected, atol=1e-6)
    model.save(tmp_path / "model.keras")
    check_model_file(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(again.predict_on_batch(raw), model.predict_on_batch(raw))
