"""Small tables, networks and artifacts for the laws of this room."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from hypothesis import strategies as st

from autokeras_lite.artifact.assemble import assemble_model
from autokeras_lite.artifact.manifest import Manifest, Parity
from autokeras_lite.artifact.store import ArtifactContents
from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.data.column_kind import ColumnKind, ColumnProfile
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode import Encoding, Inputs, fit_encoding
from autokeras_lite.data.profile import DataProfile
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import TrainingConfig, TrialSpec

KINDS = {
    "number": ColumnKind.NUMBER,
    "never missing": ColumnKind.NUMBER,
    "truth": ColumnKind.BOOLEAN,
    "few": ColumnKind.CATEGORY,
    "many": ColumnKind.CATEGORY,
    "date": ColumnKind.DATE,
}
TASKS = {
    TaskKind.BINARY: Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", ("no", "yes")),
    TaskKind.MULTICLASS: Task(TaskKind.MULTICLASS, ("y",), "log_loss", "minimize", (1, 2, 5)),
    TaskKind.MULTILABEL: Task(TaskKind.MULTILABEL, ("u", "v"), "average_precision", "maximize"),
    TaskKind.REGRESSION: Task(TaskKind.REGRESSION, ("y", "z"), "rmse", "minimize"),
}
CENTER, SCALE = np.array([1e4, -3.0]), np.array([250.0, 0.01])
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**40), 10**40),
    st.text(max_size=6),
    st.datetimes(),
    st.sampled_from(["a", "b", "level 3", "level 11", "[UNK]", "", " ", "\n", "\x00", "\ud800", "größe", "日本", -0.0]),
    st.sampled_from(["2024-02-29", "9999-12-31 23:59:59", "0001-01-01", "1e400", 1e308, -1e-320, np.inf, np.nan]),
)


def hostile_table(cells: list[Any], seed: int) -> pd.DataFrame:
    """Return 100 rows of a table with every cell drawn from `cells`, or sound in one of three."""
    rng = np.random.default_rng(seed)
    pool = np.empty(len(cells), object)
    pool[:] = cells
    table = good_table(100).astype(object)
    mixed = np.where(rng.random(table.shape) < 1 / 3, table, pool[rng.integers(0, len(cells), table.shape)])
    return pd.DataFrame(mixed, columns=list(table), dtype=object)


HOSTILE_TABLES = st.builds(hostile_table, st.lists(HOSTILE, min_size=1, max_size=30), st.integers(0, 2**32 - 1))


@dataclass(frozen=True)
class Made:
    """A network with everything that turns it into a model file."""

    network: keras.Model
    encoding: Encoding
    task: Task
    center: np.ndarray
    scale: np.ndarray

    @property
    def parts(self) -> tuple[Any, ...]:
        """The arguments of `assemble_model`."""
        return self.network, self.encoding, self.task, self.center, self.scale

    def contents(self, **changes: Any) -> ArtifactContents:
        """What is written of it."""
        spec = TrialSpec(3, "tabular_mlp", "tabular_mlp", {"depth": 1}, TrainingConfig(), 11, "default")
        manifest = Manifest(
            "made up", self.task, self.encoding, spec, 0.5, (0.4, 0.6), {"search": 0}, "abc", 90, Parity(0.0, 9)
        )
        made = {
            "model": assemble_model(*self.parts),
            "manifest": manifest,
            "validation_predictions": pd.DataFrame({"p": [0.5]}),
        }
        return ArtifactContents(**{**made, **changes})


def good_table(rows: int = 120) -> pd.DataFrame:
    """Return a table with a column of every kind, and missing cells in most."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "number": rng.normal(50, 10, rows),
            "never missing": rng.integers(0, 1000, rows),
            "truth": rng.random(rows) > 0.5,
            "few": rng.choice(["a", "b", "größe"], rows),
            "many": [f"level {i % 15}" for i in range(rows)],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
        }
    )
    frame.loc[::7, ["number", "few", "date"]] = None
    return frame


def encoding_of(
    inputs: Inputs, kinds: Mapping[str, ColumnKind] | InputKind = KINDS, rows: Any = None, **options: Any
) -> Encoding:
    """Fit the encoding of `inputs`, with columns taken for the kinds in `kinds`."""
    kind = kinds if isinstance(kinds, InputKind) else InputKind.TABLE
    profiles = (
        () if isinstance(kinds, InputKind) else tuple(ColumnProfile(n, k, "", 0, 0, True) for n, k in kinds.items())
    )
    profile = DataProfile("made up", kind, "", len(inputs), profiles, (), None, 0, 0, 0, "")
    dataset = Dataset("made up", kind, "", inputs, pd.DataFrame({"target": np.zeros(len(inputs))}))
    return fit_encoding(dataset, profile, np.arange(len(inputs)) if rows is None else rows, **options)


def make(encoding: Encoding, task: TaskKind = TaskKind.BINARY, seed: int = 0) -> Made:
    """Make a network of one layer with weights drawn from `seed`."""
    asked = TASKS[task]
    is_regression = task is TaskKind.REGRESSION
    center, scale = (CENTER, SCALE) if is_regression else (np.zeros(asked.units), np.ones(asked.units))
    return Made(tiny_network(encoding.inputs, asked.units, seed), encoding, asked, center, scale)


def tiny_network(inputs: InputSpec, units: int, seed: int = 0) -> keras.Model:
    """Make a network of one dense layer over everything it is given."""
    tensors = {array.name: keras.Input(array.shape, dtype=array.dtype, name=array.name) for array in inputs.arrays}
    columns = [keras.layers.Flatten()(keras.ops.cast(tensor, "float32")) for tensor in tensors.values()]
    joined = keras.ops.concatenate(columns, axis=1)
    draw = keras.initializers.RandomNormal(stddev=0.2, seed=seed)
    return keras.Model(tensors, keras.layers.Dense(units, kernel_initializer=draw)(joined))
