"""Keep the best model in MLflow: saved with a signature, registered, and made the champion of its name."""

import json
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from autokeras_lite.data.encode import Encoding
from autokeras_lite.data.encode_table import TableEncoding
from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking import names
from autokeras_lite.tracking.tracker import BestModel

MANIFEST_FILE = "manifest.json"
MODEL_NAME = "best_model"

_MODEL_CODE = Path(__file__).with_name("served_model.py")
_REQUIREMENTS = ("autokeras_lite", "keras", "tensorflow", "numpy", "pandas")


def register_model(client: MlflowClient, model: BestModel, *, experiment_id: str, run_id: str) -> str:
    """Log the artifact folder as a model of the run, register it under the search's name, and return its version.

    Raises:
        MlflowException: the store refused the model.
        TrackingError: the manifest of the artifact is damaged.
        OSError: the artifact folder cannot be read.
    """
    from mlflow.pyfunc import save_model  # slow, and only needed at the end

    signature = signature_of(_read_encoding(model.folder))
    logged = client.create_logged_model(experiment_id, name=MODEL_NAME, source_run_id=run_id)
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        save_model(
            path=str(saved),
            python_model=str(_MODEL_CODE),
            artifacts={"model": str(model.folder)},
            signature=signature,
            pip_requirements=_requirements(),
            mlflow_model=Model(model_id=logged.model_id, run_id=run_id),
        )
        client.log_model_artifacts(logged.model_id, str(saved))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return _register(client, model.name, logged)


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


def _read_encoding(folder: Path) -> Encoding:
    file = folder / MANIFEST_FILE
    try:
        return Encoding.from_json(json.loads(file.read_text(encoding="utf-8"))["encoding"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrackingError(
            f"The manifest {str(file)!r} is damaged ({type(error).__name__}). Expected the file that the search wrote. "
            "The model was not registered."
        ) from error


def _requirements() -> list[str]:
    """Name the installed versions: left to itself MLflow starts a Python for eight seconds to find them."""
    found = []
    for package in _REQUIREMENTS:
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _register(client: MlflowClient, name: str, logged: LoggedModel) -> str:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    registered = client.create_model_version(
        name, source=logged.artifact_location, run_id=logged.source_run_id, model_id=logged.model_id
    )
    client.set_registered_model_alias(name, names.CHAMPION, registered.version)
    return str(registered.version)
