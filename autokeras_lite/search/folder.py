"""The folder of one search: what lies where, and how it is written so that a crash leaves nothing half done."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autokeras_lite.errors import ArtifactError, ConfigError
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.trial import TrialOutcome, TrialSpec


@dataclass(frozen=True)
class SearchFolder:
    """Where a search keeps what it makes."""

    path: Path

    @property
    def data(self) -> Path:
        """The encoded arrays."""
        return self.path / "data"

    @property
    def trials(self) -> Path:
        """One folder for each trial."""
        return self.path / "trials"

    @property
    def artifact(self) -> Path:
        """The best model with its manifest."""
        return self.path / "artifact"

    @property
    def database(self) -> Path:
        """The Optuna studies."""
        return self.path / "study.db"

    @property
    def request(self) -> Path:
        """What was asked: written first."""
        return self.path / "search.json"

    @property
    def summary(self) -> Path:
        """What came out: written last."""
        return self.path / "summary.json"

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the data that were searched."""
        return str(json.loads(self.request.read_text())["fingerprint"])

    def trial(self, number: int) -> Path:
        """Return the folder of one trial."""
        return self.trials / f"{number:04d}"

    def write_trial(self, spec: TrialSpec, outcome: TrialOutcome) -> None:
        """Make the result of a trial durable: after this returns, a power cut cannot take it away."""
        folder = self.trial(spec.number)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "result.json", {"spec": spec.to_json(), "outcome": outcome.to_json()})

    def read_trials(self) -> list[tuple[TrialSpec, TrialOutcome]]:
        """Read every result that was written, in the order of the trials."""
        found = []
        for file in sorted(self.trials.glob("*/result.json")):
            values = json.loads(file.read_text())
            found.append((TrialSpec.from_json(values["spec"]), TrialOutcome.from_json(values["outcome"])))
        return found

    def drop_weights(self, numbers: Iterable[int]) -> None:
        """Delete the weights of these trials; their predictions and results stay."""
        for number in numbers:
            for file in self.trial(number).glob("weights-*.npz"):
                file.unlink()

    def discard_data(self) -> None:
        """Delete the encoded arrays, once nothing will be trained any more."""
        shutil.rmtree(self.data, ignore_errors=True)

    def read_summary(self) -> SearchSummary:
        """Read what came out.

        Raises:
            ArtifactError: there is no such search, or it has not finished.
        """
        if not self.path.is_dir():
            raise ArtifactError(
                f"There is no search in {self.path}. Expected the folder of a finished search. "
                "Name another one, or give its --runs-dir."
            )
        if not self.summary.exists():
            raise ArtifactError(
                f"The search in {self.path} has no result. Expected a finished search. Run it again under another name."
            )
        return SearchSummary.from_json(json.loads(self.summary.read_text()))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a file whole or not at all: to a neighbour, synced, then renamed, with the folder synced."""
    neighbour = path.with_suffix(".tmp")
    with neighbour.open("w") as file:
        json.dump(values, file, indent=1, default=str)
        file.flush()
        os.fsync(file.fileno())
    neighbour.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def check_free(path: Path) -> None:
    """Check that no search lies in a folder.

    Raises:
        ConfigError: there is one.
    """
    if SearchFolder(path).request.exists():
        raise ConfigError(
            f"A search named {path.name!r} is in {path.parent} already. Expected a new name. "
            "Choose another --name, or delete that folder."
        )


def claim_folder(path: Path, request: Mapping[str, Any]) -> SearchFolder:
    """Make the folder of a new search and write down what was asked.

    Raises:
        ConfigError: there is a search of that name already, or the folder cannot be made.
    """
    check_free(path)
    folder = SearchFolder(path)
    try:
        folder.trials.mkdir(parents=True, exist_ok=True)
        write_json(folder.request, request)
    except OSError as error:
        raise ConfigError(
            f"The folder {path} cannot be written ({error.strerror}). Expected a writable place. "
            "Choose another --runs-dir."
        ) from None
    return folder


def find_finished(path: Path, config: Mapping[str, Any]) -> SearchFolder | None:
    """Return the folder of a finished search that was asked for with the same config; `None` for a free folder.

    Raises:
        ConfigError: a search with another config, or an unfinished one, has this name.
    """
    folder = SearchFolder(path)
    if not folder.request.exists():
        return None
    earlier = json.loads(folder.request.read_text())["config"]
    if not folder.summary.exists():
        raise ConfigError(
            f"An unfinished search named {path.name!r} is in {path.parent}. Expected a new name. "
            "Choose another --name, or delete that folder."
        )
    changed = _differences(earlier, json.loads(json.dumps(config)))
    if changed:
        raise ConfigError(
            f"A search named {path.name!r} was made with other options ({'; '.join(changed)}). "
            "Expected the same ones or a new name. Choose another --name."
        )
    return folder


# The same folder may be named in several ways, and may have been moved.
_OF_THE_PLACE = ("place.name", "place.runs_dir")


def _differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say for each option that differs what it was and what it became."""
    before = {f"{part}.{name}": value for part, values in earlier.items() for name, value in values.items()}
    after = {f"{part}.{name}": value for part, values in now.items() for name, value in values.items()}
    names = [name for name in after if name not in _OF_THE_PLACE and after[name] != before.get(name)]
    return [f"{name}: {before.get(name)} became {after[name]}" for name in names]
