"""Quantiles are encoded for the searches that want them, and change nothing for anybody else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autokeras_lite.config import SearchConfig, as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.search.baselines import fit_baselines
from autokeras_lite.search.prepare import Prepared, encode_all_rows, prepare

ROWS = 120


def prepared(validation: Any, *, quantiles: bool) -> tuple[Prepared, SearchConfig]:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=ROWS), "z": rng.normal(size=ROWS), "c": rng.choice(["a", "b"], ROWS)})
    table["y"] = table["x"] ** 3 + table["z"]
    config = as_search_config({"validation": validation, "task": "regression"}, name="made-up", targets=("y",))
    return prepare(read_dataset(table, config.columns, name="made-up"), config, quantiles=quantiles), config


@pytest.mark.parametrize("validation", [0.3, 3], ids=["holdout", "folds"])
def test_every_fold_has_quantiles_of_one_structure(validation):
    made, config = prepared(validation, quantiles=True)
    for each in (*made.encodings, made.layout):
        assert each.inputs == made.data.inputs
    for fold in (*made.data.folds, *encode_all_rows(made, config).folds):
        assert fold.inputs["quantiles"].shape == fold.inputs["numbers"].shape == (ROWS, 2)


def test_without_them_nothing_is_encoded():
    made, _ = prepared(0.3, quantiles=False)
    assert "quantiles" not in made.data.inputs
    assert "quantiles" not in made.data.folds[0].inputs


def test_baselines_are_the_same_with_quantiles_and_without():
    found = []
    for quantiles in (False, True):
        made, _ = prepared(0.3, quantiles=quantiles)
        found.append([replace(each, seconds=0.0) for each in fit_baselines(made.data, made.task)])
    assert found[0] == found[1]
