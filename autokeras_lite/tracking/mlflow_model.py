"""Keep the best model in MLflow: saved with a signature, registered, and made champion or challenger of its name."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from autokeras_lite.data.encode import Encoding
from autokeras_lite.data.encode_table import TableEncoding
from autokeras_lite.tracking import names
from autokeras_lite.tracking.champion import give_alias
from autokeras_lite.tracking.patience import upload_patience
from autokeras_lite.tracking.run_store import EventRefusedError
from autokeras_lite.tracking.tracker import BestModel

MANIFEST_FILE = "manifest.json"
MODEL_NAME = "best_model"

_MODEL_CODE = Path(__file__).with_name("served_model.py")
_REQUIREMENTS = ("autokeras_lite", "keras", "tensorflow", "numpy", "pandas")


@dataclass(frozen=True)
class _Manifest:
    """What is asked of the artifact: what it takes, the checksum of its model file, empty in old ones, what it says.

    `tags` are those of the registered version, `params` those of the logged model, `told` describes it in a line.
    """

    encoding: Encoding
    checksum: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    told: str


def prepare_saving() -> None:
    """Do what takes most of the time when the first model is saved, so that the end of a search need not wait for it.

    That is to load the part of MLflow which saves, and to let it list the files of every installed package, which it
    does once, to compare our requirements with what is installed.
    """
    import mlflow.pyfunc  # noqa: F401  # imported for what stays loaded
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    warn_dependency_requirement_mismatches(_requirements())


def register_model(client: MlflowClient, model: BestModel, *, experiment_id: str, run_id: str) -> str:
    """Log the artifact folder as a model of the run, register it under the search's name, and return its version.

    Both carry the checksum of the model, so that the same model of the same run is found again and not doubled. It
    becomes the champion of the name, or the challenger where it does not beat the champion of an earlier search.

    Raises:
        MlflowException: the store refused the model.
        EventRefusedError: the artifact is missing or damaged.
        OSError: there is no room for the copy.
    """
    manifest = _read_manifest(model.folder)
    tags = {names.TAG_MODEL: manifest.checksum} if manifest.checksum else {}
    params = dict(manifest.params)
    found = _find_version(client, model.name, run_id, manifest.checksum)
    if found is None:
        logged = _find_logged(client, experiment_id, run_id, manifest.checksum)
        if logged is None:
            logged = client.create_logged_model(experiment_id, MODEL_NAME, run_id, tags=tags, params=params)
        if logged.status != LoggedModelStatus.READY:
            _upload(client, model.folder, manifest.encoding, logged)
        _link(client, run_id, logged.model_id)
        found = _register(client, model.name, logged, manifest)
    give_alias(client, model.name, found, run_id)
    return found


def signature_of(encoding: Encoding) -> ModelSignature:
    """Return what a model takes: the names of its columns, or the shape of its array.

    Columns have no type, because the model itself takes missing, unseen and integer values where MLflow would refuse
    them. Whether probabilities are wanted is a parameter of the prediction.
    """
    params = ParamSchema([ParamSpec("proba", DataType.boolean, default=False)])
    if isinstance(encoding.content, TableEncoding):
        anything = AnyType()  # type: ignore[no-untyped-call]
        columns: list[ColSpec | TensorSpec] = [ColSpec(anything, column.name) for column in encoding.content.columns]
        return ModelSignature(inputs=Schema(columns), params=params)
    raw = encoding.content.raw
    return ModelSignature(inputs=Schema([TensorSpec(np.dtype(raw.dtype), (-1, *raw.shape))]), params=params)


def _read_manifest(folder: Path) -> _Manifest:
    file = folder / MANIFEST_FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return _manifest_of(values)
    except OSError as error:
        raise EventRefusedError(
            f"The manifest {str(file)!r} cannot be read ({error.strerror}). Expected the artifact of the search. "
            "The model was not registered."
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EventRefusedError(
            f"The manifest {str(file)!r} is damaged ({type(error).__name__}). Expected the file that the search wrote. "
            "The model was not registered."
        ) from error


def _manifest_of(values: Mapping[str, Any]) -> _Manifest:
    encoding, checksum = Encoding.from_json(values["encoding"]), str(values.get("model_sha256", ""))
    family, task = str(values["trial"]["family"]), str(values["task"]["kind"])
    metric, score, members = str(values["metric"]), float(values["score"]), len(values.get("members", ()))
    tags = {
        names.TAG_SEARCH: str(values["name"]),
        names.TAG_METRIC: metric,
        names.TAG_FINGERPRINT: str(values["data_fingerprint"]),
    }
    tags |= {names.TAG_MODEL: checksum} if checksum else {}
    made = f"{members} networks, the first a {family}" if members else family
    told = f"{task}, {metric} {score:.5g} on rows that it was not trained on; {made}"
    return _Manifest(encoding, checksum, tags, {"task": task, "metric": metric, "family": family}, told)


def _find_version(client: MlflowClient, name: str, run_id: str, checksum: str) -> str | None:
    if not checksum:
        return None
    versions = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    same = [int(version.version) for version in versions if version.tags.get(names.TAG_MODEL) == checksum]
    return str(max(same)) if same else None


def _find_logged(client: MlflowClient, experiment_id: str, run_id: str, checksum: str) -> LoggedModel | None:
    if not checksum:
        return None
    condition = f"source_run_id = '{run_id}' and tags.`{names.TAG_MODEL}` = '{checksum}'"
    found = client.search_logged_models([experiment_id], condition, max_results=1)
    return found[0] if found else None


def _upload(client: MlflowClient, folder: Path, encoding: Encoding, logged: LoggedModel) -> None:
    """Save the model and hand it over; what an earlier try left there is written over."""
    from mlflow.pyfunc import save_model  # slow, and only needed at the end

    with tempfile.TemporaryDirectory() as temporary:
        saved = Path(temporary) / "model"
        save_model(
            path=str(saved),
            python_model=str(_MODEL_CODE),
            artifacts={"model": str(folder)},
            signature=signature_of(encoding),
            pip_requirements=_requirements(),
            mlflow_model=Model(model_id=logged.model_id, run_id=logged.source_run_id),
        )
        with upload_patience(saved):
            client.log_model_artifacts(logged.model_id, str(saved))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)


def _link(client: MlflowClient, run_id: str, model_id: str) -> None:
    """Say that the run made the model; MLflow refuses to hear it twice."""
    outputs = client.get_run(run_id).outputs
    if outputs is None or model_id not in [output.model_id for output in outputs.model_outputs]:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])


def _requirements() -> list[str]:
    """Name the installed versions: left to itself MLflow starts a Python for eight seconds to find them."""
    found = []
    for package in _REQUIREMENTS:
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _register(client: MlflowClient, name: str, logged: LoggedModel, manifest: _Manifest) -> str:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    registered = client.create_model_version(
        name,
        source=logged.artifact_location,
        run_id=logged.source_run_id,
        tags=dict(manifest.tags),
        description=manifest.told,
        model_id=logged.model_id,
    )
    return str(registered.version)
