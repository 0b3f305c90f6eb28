"""Loads Keras without what TensorFlow writes on the terminal while it is loaded."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_keras() -> None:
    """Import Keras, and with it TensorFlow, silently; does nothing when it was imported before.

    TensorFlow writes a few lines straight to the standard error of the process before any setting can stop it. They
    would break a live display, and they say nothing that a person could act on (`doctor` names the devices).
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_closed():
        importlib.import_module("keras")


@contextmanager
def _standard_error_closed() -> Iterator[None]:
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
