"""Laws of encoded arrays: what is written is what is opened, without reading it into memory."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.data.arrays import ArraySpec, EncodedData, EncodedFold, InputSpec
from autokeras_lite.data.dataset import InputKind

SPECS = {
    "table": InputSpec(
        InputKind.TABLE,
        (ArraySpec("numbers", (3,)), ArraySpec("flags", (2,)), ArraySpec("codes", (2,), "int32")),
        (5, 9),
    ),
    "image": InputSpec(InputKind.IMAGE, (ArraySpec("pixels", (4, 4, 1)),)),
    "sequence": InputSpec(InputKind.SEQUENCE, (ArraySpec("values", (6, 2)),)),
    "tokens": InputSpec(InputKind.TOKENS, (ArraySpec("tokens", (7,), "int32"),), (30,)),
}


def encoded(spec: InputSpec, *, rows: int = 10, folds: int = 1, weighted: bool = False, seed: int = 0) -> EncodedData:
    random = np.random.default_rng(seed)
    parts = tuple(
        EncodedFold(
            inputs={
                array.name: random.integers(0, 5, (rows, *array.shape)).astype(array.dtype) for array in spec.arrays
            },
            targets=random.normal(size=(rows, 2)).astype(np.float32),
            train_rows=np.arange(index + 1, rows),
            validation_rows=np.arange(index + 1),
            target_center=random.normal(size=2),
            target_scale=np.ones(2),
        )
        for index in range(folds)
    )
    weights = random.random(rows).astype(np.float32) if weighted else None
    return EncodedData(spec, parts, random.integers(0, 3, rows), weights)


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=10, deadline=None)
@given(rows=st.integers(5, 12), folds=st.integers(1, 3), weighted=st.booleans(), seed=st.integers(0, 9))
def test_what_is_written_is_what_is_opened(
    kind: str, rows: int, folds: int, weighted: bool, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = encoded(SPECS[kind], rows=rows, folds=folds, weighted=weighted, seed=seed)
    folder = tmp_path_factory.mktemp("arrays") / "new" / "folder"
    data.write(folder)
    opened = EncodedData.open(folder)
    assert opened.inputs == data.inputs
    np.testing.assert_array_equal(opened.labels, data.labels)
    assert (opened.weights is None) == (data.weights is None)
    if opened.weights is not None and data.weights is not None:
        np.testing.assert_array_equal(opened.weights, data.weights)
    assert len(opened.folds) == folds
    for one, other in zip(opened.folds, data.folds, strict=True):
        assert set(one.inputs) == set(other.inputs)
        for name in other.inputs:
            np.testing.assert_array_equal(one.inputs[name], other.inputs[name])
            assert one.inputs[name].dtype == other.inputs[name].dtype
        np.testing.assert_array_equal(one.targets, other.targets)
        np.testing.assert_array_equal(one.train_rows, other.train_rows)
        np.testing.assert_array_equal(one.validation_rows, other.validation_rows)
        np.testing.assert_array_equal(one.target_center, other.target_center)
        np.testing.assert_array_equal(one.target_scale, other.target_scale)


def test_opened_arrays_are_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    encoded(SPECS["image"]).write(tmp_path)
    pixels = EncodedData.open(tmp_path).folds[0].inputs["pixels"]
    assert isinstance(pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 1


@pytest.mark.parametrize("kind", SPECS)
def test_an_input_spec_survives_json(kind: str) -> None:
    assert InputSpec.from_json(json.loads(json.dumps(SPECS[kind].to_json()))) == SPECS[kind]


def test_an_input_spec_finds_its_arrays_by_name() -> None:
    spec = SPECS["table"]
    assert "codes" in spec
    assert "pixels" not in spec
    assert spec["flags"].shape == (2,)
