"""What MLflow runs when a registered model is loaded: a copy of this file lies beside the model.

Nothing of the package imports it. It stands outside the rooms: MLflow executes it in the process that serves the model,
where the artifact is looked up by name so that neither room knows the other.
"""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

with warnings.catch_warnings():  # MLflow warns of its own type hints
    warnings.simplefilter("ignore")
    from mlflow.pyfunc.model import PythonModel, PythonModelContext

ARTIFACT_ROOM = "autokeras_lite.artifact.load"


class ServedModel(PythonModel):
    """Predicts from raw columns, or from an array where the data were arrays; Keras is loaded at the first call."""

    def load_context(self, context: PythonModelContext) -> None:
        """Remember where the model lies."""
        self._folder = Path(context.artifacts["model"])
        self._artifact: Any = None

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        """Return predictions, or with `{"proba": True}` in `params` the probability of each class."""
        del context
        if self._artifact is None:
            self._artifact = import_module(ARTIFACT_ROOM).load_artifact(self._folder)
        if params and params.get("proba"):
            return self._artifact.predict_proba(model_input)
        return self._artifact.predict(model_input)


mlflow.models.set_model(ServedModel())
