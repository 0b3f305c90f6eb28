"""How long a model file predicts: what is counted, and how little of the time that is left it takes."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ensemble_artifact import request_of
from tiny_artifact import TASKS

from autokeras_lite.artifact import make
from autokeras_lite.artifact.latency import BATCH_ROWS, Latency, measure_latency, show_duration
from autokeras_lite.artifact.load import load_artifact
from autokeras_lite.tasks.task import TaskKind

COMPILING = 40.0


@dataclass
class Model:
    """Predicts in a time that its clock shows: so long for a call and so long for each row; the first call compiles."""

    call: float
    each: float
    now: float = 0.0
    sizes: list[int] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)

    def predict(self, rows) -> None:
        self.now += self.call + self.each * len(rows) + (0.0 if self.sizes else COMPILING)
        self.sizes.append(len(rows))
        self.seen.append(rows)

    def measure(self, rows, **options) -> Latency | None:
        return measure_latency(self.predict, rows, "CPU", now=lambda: self.now, **options)


TABLE = pd.DataFrame({"a": np.arange(7), "b": list("abcdefg")}, index=[3, 3, 9, 1, 0, 5, 4])
ARRAY = np.zeros((7, 1))
quick = st.floats(1e-5, 1e-3)


@given(quick, st.floats(1e-7, 1e-5))
def test_the_measured_times_are_those_of_the_model_without_compiling(call, each):
    latency = Model(call, each).measure(ARRAY)
    assert latency.batch_rows == 1000
    assert latency.row_seconds == pytest.approx(call + each, rel=1e-6, abs=1e-9)
    assert latency.batch_seconds == pytest.approx(call + 1000 * each, rel=1e-6, abs=1e-9)
    assert (latency.device, latency.beside_training) == ("CPU", False)


@given(st.floats(0.0, 10.0), st.floats(1e-6, 10.0), st.floats(0.01, 2.0))
def test_it_ends_in_time_whatever_the_model_takes(call, each, seconds):
    """Nothing but the first prediction and one single row may take longer."""
    model = Model(call, each)
    latency = model.measure(ARRAY, seconds=seconds)
    assert model.now - COMPILING - (call + each) <= max(seconds, call + each) * (1 + 1e-6)
    assert latency.batch_rows in (1, *BATCH_ROWS)
    assert latency.batch_seconds <= max(seconds, latency.row_seconds) * (1 + 1e-6)


def test_batches_that_would_take_too_long_are_not_begun():
    assert Model(0.0, 1e-4).measure(TABLE, seconds=0.5).batch_rows == 1000
    assert Model(0.0, 1e-3).measure(TABLE, seconds=0.5).batch_rows == 100
    assert Model(0.0, 0.02).measure(TABLE, seconds=0.5).batch_rows == 10
    alone = Model(0.0, 5.0)
    assert alone.measure(TABLE, seconds=0.5) == Latency(5.0, 5.0, 1, "CPU")
    assert alone.sizes == [1, 1]


def test_few_rows_are_repeated_in_order_and_none_give_no_answer():
    model = Model(1e-4, 1e-6)
    model.measure(TABLE)
    singles = [rows["a"].iloc[0] for rows in model.seen if len(rows) == 1]
    assert singles[1:9] == [0, 1, 2, 3, 4, 5, 6, 0]
    largest = max(model.seen, key=len)
    np.testing.assert_array_equal(largest["a"], np.arange(1000) % 7)
    assert Model(1.0, 1.0).measure(TABLE[:0]) is None


def test_arrays_are_measured_as_tables_are():
    images, model = np.arange(24).reshape(3, 2, 4), Model(1e-4, 1e-6)
    assert model.measure(images).batch_rows == 1000
    assert model.seen[-1].shape == (1000, 2, 4)
    np.testing.assert_array_equal(model.seen[-1][:4], images[[0, 1, 2, 0]])


def test_one_slow_prediction_does_not_count():
    model = Model(1e-3, 0.0)
    predict, slow = model.predict, iter([0.0, 0.0, 0.1])

    def sometimes(rows) -> None:
        predict(rows)
        model.now += next(slow, 0.0)

    model.predict = sometimes
    assert model.measure(TABLE).row_seconds == pytest.approx(1e-3)


def test_the_words_name_times_rows_and_device():
    latency = Latency(0.00823, 1.5, 1000, "CPU, 2 threads")
    assert latency.describe() == "8.23 ms for one row, 1.5 s for 1,000 rows at once (CPU, 2 threads)"
    assert "at once" not in replace(latency, batch_rows=1).describe()
    assert "at most" in replace(latency, beside_training=True).describe()
    assert replace(latency, device="").describe().endswith("at once")
    assert [show_duration(0.9994), show_duration(0.9996)] == ["999 ms", "1 s"]


# --- in the model file -----------------------------------------------------------------------------------------------


def asking(folder, **options):
    request = request_of(folder, TASKS[TaskKind.BINARY], members=(), temperature=1.0)
    return replace(request, latency_seconds=0.05, **options)


def test_a_model_file_tells_what_it_takes_from_raw_rows_to_labels(tmp_path, monkeypatch):
    heard = []

    def listen(predict, rows, device, *, seconds):
        heard.append((rows, predict(rows[:5]), seconds))
        return measure_latency(predict, rows, device, seconds=seconds)

    monkeypatch.setattr(make, "measure_latency", listen)
    asked = asking(tmp_path, beside_training=True)
    made, artifact = make.make_artifact(asked, "some device"), load_artifact(asked.folder)
    latency = artifact.manifest.latency
    assert latency == made.latency
    assert (latency.device, latency.beside_training) == ("some device", True)
    assert latency.row_seconds > 0
    ((rows, predicted, seconds),) = heard
    assert (rows is asked.sample, seconds) == (True, 0.05)
    pd.testing.assert_frame_equal(predicted, artifact.predict(rows[:5]))


def test_a_measurement_that_fails_costs_no_model(tmp_path, monkeypatch):
    def fail(*given, **options):
        raise RuntimeError("no clock")

    monkeypatch.setattr(make, "measure_latency", fail)
    asked = asking(tmp_path)
    assert make.make_artifact(asked).latency is None
    assert load_artifact(asked.folder).manifest.latency is None
