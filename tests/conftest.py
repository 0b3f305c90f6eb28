"""What every test may use. Set before anything loads TensorFlow."""

import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Running in several processes sets it, and what is printed would be as wide as that.
os.environ.pop("COLUMNS", None)

# How long an example takes says more of the machine than of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
