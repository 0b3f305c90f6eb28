"""The one search that every page speaks of, as the tests make it."""

from contextlib import chdir
from pathlib import Path

import pandas as pd
from document_parts import PROJECT

import autokeras_lite as akl

# What stands in the pages, and what the tests give in its place.
LONG, SHORT = 'time_limit="5m"', 'trials=2, workers=1, validation=0.2, space="small.toml"'

# A busy machine may leave records for the next call.
_MOST_CALLS = 5

_SMALL_SPACE = """
family = "layer_stack"
summary = "Small enough for a test"
accepts = ["table"]

[parameters]
epochs = 3
batch_size = 128
learning_rate = { type = "float", low = 1e-3, high = 1e-2, default = 5e-3 }

[[stack]]
name = "hidden"
layers = [{ kind = "Dense", units = 8, activation = "relu" }]
"""


def search_for_pages(folder: Path) -> None:
    """Make the search `credit` in a folder, with the data of the project in it."""
    (folder / "experiments").symlink_to(PROJECT / "experiments")
    (folder / "small.toml").write_text(_SMALL_SPACE, encoding="utf-8")
    with chdir(folder):
        frame = pd.read_parquet("experiments/data/credit_g.parquet")
        for _ in range(_MOST_CALLS):
            result = akl.search(frame, "class", trials=2, workers=1, validation=0.2, space="small.toml", name="credit")
            if result.summary.unsent == 0:
                return
    raise AssertionError(f"{result.summary.unsent} records could not be sent.")
