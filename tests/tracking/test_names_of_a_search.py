"""What a real search writes, compared with the table of names, in both directions."""

import pytest
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer

import autokeras_lite as akl
from autokeras_lite.tracking import names

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning:mlflow")]

# Written by MLflow itself.
OF_MLFLOW = ("mlflow.runName", "mlflow.user", "mlflow.source.name", "mlflow.source.type")
# What a search only says where something is so: failures, attempts, a resumed search, a test file, an ensemble;
# or what a search of more than a few seconds says.
ONLY_SOMETIMES = {
    names.TAG_MESSAGE, names.TAG_EARLIER, names.TAG_CHANGED_PREFIX + "*", names.TAG_PREFIX + "*", names.TEST_SCORE,
    names.ENSEMBLE_PREFIX + "*", names.FINALIST_PREFIX + "*", names.CORRECTED_SCORE, names.SCORE_LIMITS_PREFIX + "*",
    *(row.key for row in names.NAMES if row.key.startswith(names.SYSTEM_PREFIX)),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """For each kind of thing and each bearer the keys that a search of two folds has written."""
    frame = load_breast_cancer(as_frame=True).frame.sample(120, random_state=0)
    runs_dir = tmp_path_factory.mktemp("runs")
    result = akl.search(
        frame,
        "target",
        trials=3,
        validation=2,
        space="tabular_mlp",
        name="cancer",
        runs_dir=str(runs_dir),
        workers=1,
        report="off",
    )
    client = MlflowClient(tracking_uri=result.summary.tracking.uri)
    experiment = client.get_experiment_by_name("cancer")
    found = {("experiment", names.TAG): set(experiment.tags)}
    for run in client.search_runs([experiment.experiment_id]):
        bearer = run.data.tags[names.TAG_KIND]
        told = {names.PARAMETER: run.data.params, names.METRIC: run.data.metrics, names.TAG: run.data.tags}
        for what, keys in told.items():
            found.setdefault((bearer, what), set()).update(keys)
    (version,) = client.search_model_versions("name='cancer'")
    return found | {("model", names.TAG): set(version.tags)}


def rows_for(bearer, what):
    bearers = (bearer, "both") if bearer in ("search", "trial") else (bearer,)
    return [row for row in names.NAMES if row.what == what and row.runs in bearers]


def test_everything_that_is_written_stands_in_the_table(written):
    for (bearer, what), keys in written.items():
        rows = rows_for(bearer, what)
        unknown = [key for key in keys - set(OF_MLFLOW) if not any(row.covers(key) for row in rows)]
        assert unknown == [], (bearer, what)


def test_everything_in_the_table_is_written(written):
    for (bearer, what), keys in written.items():
        missing = [row.key for row in rows_for(bearer, what) if not any(row.covers(key) for key in keys)]
        assert set(missing) <= ONLY_SOMETIMES, (bearer, what)


def test_no_row_stands_twice():
    rows = [(row.key, row.what, row.runs) for row in names.NAMES]
    assert len(set(rows)) == len(rows)
