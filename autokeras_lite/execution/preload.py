"""What the fork server imports before any trial: everything a trial needs, and nothing of it started."""

import importlib
import signal

from autokeras_lite.models.loading import load_keras

# Loading takes seconds, and only after it the server itself sees to Ctrl-C, which the terminal sends to it too.
signal.signal(signal.SIGINT, signal.SIG_IGN)
load_keras()
importlib.import_module("autokeras_lite.execution.isolated")
