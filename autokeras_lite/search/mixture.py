"""Which trials the final model is made of: the best one, or several whose predictions are averaged."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.search.calibration import apply_temperature, fit_temperature
from autokeras_lite.search.course import Finished
from autokeras_lite.search.ensemble import select_ensemble
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.prepare import Prepared
from autokeras_lite.search.trust import Judges
from autokeras_lite.tasks.metrics import score

Predictions = NDArray[np.float64]


@dataclass(frozen=True)
class Mixture:
    """Trials with their shares, the largest first, and what they predict together.

    `predictions` `(rows, units)` are of the rows that judged, fold after fold, with the `temperature`; `score` and
    `fold_scores` are theirs. `gain` is how much better an ensemble is than the best trial on rows that chose neither,
    `gain_error` its standard error; both are 0 for a single trial. Members that were trained once more had `more_rows`
    times as many rows as when they were measured.
    """

    members: tuple[tuple[Finished, float], ...]
    predictions: Predictions
    score: float
    fold_scores: tuple[float, ...]
    temperature: float = 1.0
    gain: float = 0.0
    gain_error: float = 0.0
    more_rows: float = 1.0

    @property
    def is_single(self) -> bool:
        """Whether it is one trial as it was measured."""
        return len(self.members) == 1 and self.temperature == 1.0


@dataclass(frozen=True)
class Judged:
    """What trials predicted for the rows that judged them, fold after fold, and what was true.

    `rows` are places in the data; `folds` `(rows,)` says which fold a row judges in.
    """

    labels: NDArray[np.generic]
    folds: NDArray[np.int64]
    rows: NDArray[np.int64]
    predictions: Mapping[int, Predictions]


def read_judged(prepared: Prepared, finished: Sequence[Finished], folder: SearchFolder) -> Judged:
    """Read the stored predictions of every trial that came to a score in all folds; damaged ones are left out."""
    validation = [np.asarray(fold.validation_rows) for fold in prepared.data.folds]
    rows = np.concatenate(validation)
    found = {}
    for spec, outcome in finished:
        file = folder.trial(spec.number) / "predictions.npz"
        if outcome.score is None:
            continue
        with suppress(OSError, ValueError, KeyError, BadZipFile), np.load(file, allow_pickle=False) as stored:
            parts = [stored[f"fold-{fold}"] for fold in range(len(validation))]
            if [len(part) for part in parts] == [len(rows) for rows in validation]:
                found[spec.number] = np.concatenate(parts).astype(np.float64)
    folds = np.repeat(np.arange(len(validation)), [len(part) for part in validation])
    return Judged(np.asarray(prepared.data.labels)[rows], folds, rows, found)


def make_judges(prepared: Prepared, judged: Judged) -> Judges:
    """Say which rows judge, and which of them belong together: those of one group, or a row that judges repeatedly."""
    groups = prepared.dataset.groups
    if groups is not None:
        codes = np.asarray(np.unique(groups, return_inverse=True)[1], np.int64).reshape(-1)
        return Judges(judged.labels, judged.folds, codes[judged.rows])
    is_repeated = len(np.unique(judged.rows)) < len(judged.rows)
    return Judges(judged.labels, judged.folds, judged.rows if is_repeated else None)


def choose_mixture(
    prepared: Prepared, finished: Sequence[Finished], best: Finished, judged: Judged, *, most_members: int, seed: int
) -> Mixture:
    """Choose what the final model is made of: at most so many trials, one alone where that is better."""
    of_number = {spec.number: (spec, outcome) for spec, outcome in finished}
    if best[0].number not in judged.predictions:  # its file is damaged: it stays as it was measured
        outcome = best[1]
        return Mixture(
            ((best, 1.0),), np.empty((0, prepared.task.units)), float(outcome.score or 0.0), outcome.fold_scores
        )
    candidates = {n: values for n, values in judged.predictions.items() if n in of_number}
    if len(candidates) < 2 or most_members < 2:
        weights, gain, error = {best[0].number: 1.0}, 0.0, 0.0
    else:
        chosen = select_ensemble(
            prepared.task, make_judges(prepared, judged), candidates, seed=seed, most_members=most_members
        )
        weights, gain, error = dict(chosen.weights), chosen.gain, chosen.gain_error
        if not chosen.kept:
            weights, gain, error = {best[0].number: 1.0}, 0.0, 0.0
    return _mixture(prepared, [(of_number[n], share) for n, share in weights.items()], judged, (gain, error))


def keep_members(prepared: Prepared, mixture: Mixture, judged: Judged, numbers: Collection[int]) -> Mixture:
    """Return the mixture of only these of its trials, with shares that sum to 1 again."""
    kept = [(one, share) for one, share in mixture.members if one[0].number in numbers]
    total = sum(share for _, share in kept)
    gain = (mixture.gain, mixture.gain_error) if len(kept) > 1 else (0.0, 0.0)
    return _mixture(prepared, [(one, share / total) for one, share in kept], judged, gain)


def _mixture(
    prepared: Prepared, members: list[tuple[Finished, float]], judged: Judged, gain: tuple[float, float]
) -> Mixture:
    task = prepared.task
    mean = sum(share * judged.predictions[one[0].number] for one, share in members)
    temperature = fit_temperature(task, judged.labels, np.asarray(mean))
    predicted = np.asarray(apply_temperature(task, np.asarray(mean), temperature))
    scores = tuple(
        float(score(task, judged.labels[judged.folds == fold], predicted[judged.folds == fold]))
        for fold in range(len(prepared.data.folds))
    )
    return Mixture(tuple(members), predicted, float(np.mean(scores)), scores, temperature, *gain)
