"""Do our networks reach the published scores of their families, where split and metric are the same?

One configuration of each family, close to the published ones (widths and members are smaller, for two cores), is
trained on the official training rows of adult, a fifth of which judge when to stop, and scored on the official test
rows. Those who published did the same, with 15 seeds and with settings that they had tuned for this table.

    python experiments/012_published/run.py [--networks ...] [--seeds 0 1 2] [--out result.json]

Runs that are in the result already, with the same settings, are not made again.
"""

import argparse
import hashlib
import json
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

import autokeras_lite as akl

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
GORISHNIY_2021 = "Gorishniy et al. 2021, Revisiting Deep Learning Models for Tabular Data, their result files"
GORISHNIY_2025 = "Gorishniy, Kotelnikov and Babenko 2025, TabM, their result files"


@dataclass(frozen=True)
class Network:
    """A configuration, and the mean and deviation of the accuracy that was published for its kind on adult."""

    family: str
    settings: Mapping[str, Any]
    accuracy: float
    deviation: float
    source: str

    def write(self, file: Path) -> None:
        """Write a space that holds this configuration alone."""
        lines = [
            f'family = "{self.family}"',
            'summary = "one configuration"',
            'accepts = ["table"]',
            "",
            "[parameters]",
        ]
        lines += [f"{name} = {json.dumps(value)}" for name, value in self.settings.items()]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


_ADAMW = {"optimizer": "adamw", "schedule": "constant", "clip_norm": 1.0, "epochs": 100, "patience": 16}
_MLP = {"depth": 3, "width": 384, "norm": "none", "activation": "relu", "dropout": 0.2, "batch_size": 256}
_TABM = {"sharing": "mini", "members": 16, "depth": 3, "width": 256, "dropout": 0.1, "batch_size": 256}
_PERIODIC = {"number_embedding": "periodic", "frequencies": 48, "number_width": 16, "frequency_scale": 5.0}
_PIECEWISE = {"number_embedding": "piecewise", "bins": 64, "bin_edges": "tree", "number_width": 16}

NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "MLP": Network(
            "tabular_mlp",
            _MLP | _ADAMW | {"number_embedding": "none", "learning_rate": 4e-4, "weight_decay": 1e-4},
            *(0.8540, 0.0018, GORISHNIY_2025),
        ),
        "MLP, periodic": Network(
            "tabular_mlp",
            _MLP | _ADAMW | _PERIODIC | {"depth": 2, "learning_rate": 3e-4, "weight_decay": 1e-4},
            *(0.8694, 0.0011, GORISHNIY_2025),
        ),
        "TabM": Network(
            "tabular_tabm",
            _TABM | _ADAMW | {"number_embedding": "none", "learning_rate": 1.5e-3, "weight_decay": 3e-4},
            *(0.8575, 0.0007, GORISHNIY_2025),
        ),
        "TabM, piecewise": Network(
            "tabular_tabm",
            _TABM | _ADAMW | _PIECEWISE | {"learning_rate": 1.25e-3, "weight_decay": 3e-4},
            *(0.8694, 0.0011, GORISHNIY_2025),
        ),
        "ResNet": Network(
            "tabular_resnet",
            {"depth": 4, "width": 192, "hidden_factor": 2.0, "dropout": 0.3, "residual_dropout": 0.1, "batch_size": 256}
            | _ADAMW
            | {"number_embedding": "none", "learning_rate": 5e-4, "weight_decay": 1e-4},
            *(0.8544, 0.0017, GORISHNIY_2021),
        ),
        "FT-Transformer": Network(
            "tabular_ft_transformer",
            {"depth": 2, "width": 64, "heads": 8, "attention_dropout": 0.2, "dropout": 0.1, "batch_size": 256}
            | _ADAMW
            | {"learning_rate": 5e-4, "weight_decay": 1e-5, "epochs": 40, "patience": 8},
            *(0.8574, 0.0012, GORISHNIY_2021),
        ),
    }
)


def hash_of(name: str) -> str:
    """Return what tells runs of other settings apart."""
    network = NETWORKS[name]
    text = json.dumps([network.family, dict(network.settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def train(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train one network once and return its row."""
    space = folder / "one.toml"
    NETWORKS[name].write(space)
    result = akl.search(
        DATA / "adult.parquet", "income", space=str(space), metric="accuracy", trials=1, validation=0.2, seed=seed,
        workers=1, ensemble="off", report="off", name="published", runs_dir=str(folder),
    )  # fmt: skip
    scores = result.evaluate(pd.read_parquet(DATA / "adult_test.parquet")).set_index("metric")["score"]
    (trial,) = result.leaderboard().itertuples()
    row = {"network": name, "settings": hash_of(name), "seed": seed, "accuracy": round(float(scores["accuracy"]), 5)}
    return row | {"epochs": int(trial.epochs), "seconds": round(float(trial.seconds), 1)}


def summarise(rows: list[dict[str, Any]]) -> str:
    """Return the table of the README."""
    lines = ["| network | seeds | accuracy | published | difference |", "|---|--:|--:|--:|--:|"]
    for name, network in NETWORKS.items():
        found = [row["accuracy"] for row in rows if row["settings"] == hash_of(name)]
        if found:
            mean, spread = statistics.fmean(found), statistics.stdev(found) if len(found) > 1 else 0.0
            published = f"{network.accuracy:.4f} ± {network.deviation:.4f}"
            told = f"{mean:.4f} ± {spread:.4f} | {published} | {mean - network.accuracy:+.4f}"
            lines.append(f"| {name} | {len(found)} | {told} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is asked for and not there yet, writing after every run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS), metavar="NETWORK")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = json.loads(asked.out.read_text()) if asked.out.exists() else []
    for seed in asked.seeds:
        for name in asked.networks:
            if any((row["settings"], row["seed"]) == (hash_of(name), seed) for row in rows):
                continue
            with tempfile.TemporaryDirectory() as folder:
                rows.append(train(name, seed, Path(folder)))
            asked.out.write_text("[\n" + ",\n".join(f" {json.dumps(row)}" for row in rows) + "\n]\n")
            print(json.dumps(rows[-1]), flush=True)
    print(summarise(rows))


if __name__ == "__main__":
    main()
