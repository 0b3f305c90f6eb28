"""The folder of one search: what lies where, and how it is read again."""

import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autokeras_lite.artifact.files import MOST_DESCRIPTION_BYTES, MOST_DESCRIPTION_VALUES
from autokeras_lite.durable import MOST_JSON_BYTES, MOST_JSON_VALUES, disk_faults, read_json, sync, write_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.trial import TrialOutcome, TrialSpec

RESULT_FILE = "result.json"


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
    def artifact_single(self) -> Path:
        """The best single model, beside an ensemble."""
        return self.path / "artifact-single"

    @property
    def artifact_so_far(self) -> Path:
        """Models of a search that has not ended, one folder for each trial; `artifact` is the driver's alone."""
        return self.path / "artifact-so-far"

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
    def explanation(self) -> Path:
        """Which columns and which hyperparameters mattered, when that was last asked."""
        return self.path / "explanation.json"

    @property
    def journal(self) -> Path:
        """Every decision, in order: what a search goes on from."""
        return self.path / "journal.jsonl"

    @property
    def blueprint(self) -> Path:
        """What a model file needs beside a trial."""
        return self.path / "blueprint"

    @property
    def refit(self) -> Path:
        """The best configuration, trained once more on all rows."""
        return self.path / "refit"

    @property
    def profile(self) -> Path:
        """What stands in the data, column by column."""
        return self.path / "profile.json"

    @property
    def second_look(self) -> Path:
        """The finalists, trained once more to be scored again."""
        return self.path / "finalists"

    @property
    def _time(self) -> Path:
        return self.path / "time.json"

    @property
    def _baselines(self) -> Path:
        return self.path / "baselines.json"

    def checkpoint(self, cohort: int) -> Path:
        """Return the folder where a cohort keeps how far it has come."""
        return self.path / "checkpoints" / f"{cohort:04d}"

    def trial(self, number: int) -> Path:
        """Return the folder of one trial."""
        return self.trials / f"{number:04d}"

    def write_trial(self, spec: TrialSpec, outcome: TrialOutcome) -> None:
        """Make the result of a trial durable: after this returns, a power cut cannot take it away."""
        folder = self.trial(spec.number)
        with disk_faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
            sync(self.trials)
        write_json(folder / RESULT_FILE, {"spec": spec.to_json(), "outcome": outcome.to_json()})

    def has_trial(self, spec: TrialSpec, outcome: TrialOutcome) -> bool:
        """Say whether this very result is in its folder."""
        with suppress(ArtifactError):
            return _read_trial(self.trial(spec.number) / RESULT_FILE) == (spec, outcome)
        return False

    def read_outcome(self, spec: TrialSpec) -> TrialOutcome | None:
        """Return what this very trial has reached by now, `None` if it has not come to a score."""
        with suppress(ArtifactError):
            known, outcome = _read_trial(self.trial(spec.number) / RESULT_FILE)
            return outcome if known == spec and outcome.score is not None else None
        return None

    def read_trials(self) -> list[tuple[TrialSpec, TrialOutcome]]:
        """Read every result that was written, in the order of the trials.

        Raises:
            ArtifactError: a file is damaged.
        """
        return [_read_trial(file) for file in sorted(self.trials.glob(f"*/{RESULT_FILE}"))]

    def read_request(self) -> SearchRequest | None:
        """Read what was asked, `None` if there is no search here.

        Raises:
            ArtifactError: the file is damaged.
        """
        if not self.request.exists():
            return None
        try:
            return SearchRequest.from_json(_read(self.request))
        except TypeError:
            raise _damaged(self.request, "fields are missing") from None

    def write_request(self, request: SearchRequest) -> None:
        """Write down what was asked."""
        write_json(self.request, request.to_json())

    def read_seconds(self) -> float:
        """Read how long the search has run, as far as it was noted."""
        with suppress(ArtifactError, KeyError, TypeError):
            return float(_read(self._time)["seconds"])
        return 0.0

    def note_seconds(self, seconds: float) -> None:
        """Note how long the search has run; cheap, and may lose the last note in a power cut."""
        neighbour = self._time.with_suffix(".tmp")
        with suppress(OSError):  # a full disk: what matters is written elsewhere, and says so
            neighbour.write_text(json.dumps({"seconds": seconds}))
            neighbour.replace(self._time)

    def read_baselines(self) -> tuple[Baseline, ...]:
        """Read the baselines, none if they were not fitted yet."""
        with suppress(ArtifactError, KeyError, TypeError):
            return tuple(Baseline(**values) for values in _read(self._baselines)["baselines"])
        return ()

    def write_baselines(self, baselines: Iterable[Baseline]) -> None:
        """Write the baselines down, so that they are fitted once."""
        write_json(self._baselines, {"baselines": [asdict(baseline) for baseline in baselines]})

    def write_profile(self, profile: Mapping[str, Any]) -> None:
        """Write down what stands in the data."""
        write_json(self.profile, profile)

    def read_profile(self) -> dict[str, Any] | None:
        """Read what stands in the data, `None` where that was not written, or cannot be read."""
        with suppress(ArtifactError):
            return _read(self.profile, most_bytes=MOST_DESCRIPTION_BYTES, most_values=MOST_DESCRIPTION_VALUES)
        return None

    def write_summary(self, summary: SearchSummary) -> None:
        """Write down what came out."""
        write_json(self.summary, summary.to_json())

    def tidy(self, needed: Collection[int]) -> None:
        """Delete what an earlier process left behind, but for the checkpoints of the cohorts that are needed."""
        for left in (self.path / "checkpoints").glob("*"):
            if left.name not in {self.checkpoint(cohort).name for cohort in needed}:
                shutil.rmtree(left, ignore_errors=True)
        for left in (self.artifact_so_far, self.second_look):
            shutil.rmtree(left, ignore_errors=True)
        self.discard_data()

    def discard_checkpoint(self, cohort: int) -> None:
        """Delete how far a cohort has come."""
        shutil.rmtree(self.checkpoint(cohort), ignore_errors=True)

    def drop_weights(self, numbers: Iterable[int]) -> None:
        """Delete the weights of these trials; their predictions and results stay."""
        for number in numbers:
            for file in self.trial(number).glob("weights-*.npz"):
                file.unlink()

    def discard_data(self) -> None:
        """Delete the encoded arrays, once nothing trains any more, and model files that were left half made."""
        for left in (self.data, *self.path.glob(f".{self.artifact.name}.*")):
            shutil.rmtree(left, ignore_errors=True)

    def read_summary(self) -> SearchSummary | None:
        """Read what came out, `None` if the search has not come to an end.

        Raises:
            ArtifactError: there is no such search, or its summary is damaged.
        """
        if not self.path.is_dir() or not (self.request.exists() or self.summary.exists()):
            raise ArtifactError(
                f"There is no search in {self.path}. Expected the folder of a search. "
                "Name another one, or give its --runs-dir."
            )
        if not self.summary.exists():
            return None
        try:
            return SearchSummary.from_json(_read(self.summary))
        except (TypeError, KeyError):
            raise _damaged(self.summary, "fields are missing") from None


def _read(path: Path, *, most_bytes: int = MOST_JSON_BYTES, most_values: int = MOST_JSON_VALUES) -> dict[str, Any]:
    values = read_json(path, most_bytes=most_bytes, most_values=most_values)
    if not isinstance(values, dict):
        raise _damaged(path, "it holds no object")
    return values


def _read_trial(path: Path) -> tuple[TrialSpec, TrialOutcome]:
    values = _read(path)
    try:
        return TrialSpec.from_json(values["spec"]), TrialOutcome.from_json(values["outcome"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged(path, "fields are missing") from None


def _damaged(path: Path, how: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is damaged ({how}). Expected the file that the search wrote. "
        "Run `autokeras-lite resume` for this search, which mends results, or restore the file from a copy."
    )
