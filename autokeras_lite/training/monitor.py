"""When a trial has seen enough: the best score so far, how long ago it was, and what a plateau does to the rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrainingConfig

_PLATEAU_FACTOR = 0.5
_NOT_NOTED = ("task", "config")


@dataclass
class Monitor:
    """Follows one trial on all of its folds from epoch to epoch.

    Epochs count from 1, `best_epoch` 0 means that there is no score yet. An epoch is as good as the mean of its folds,
    which keep the same one and end together: the mean is less noisy than each of them, so its best epoch is more often
    a good one (measured by experiments/006_trust), and it is the epoch that training on all rows then ends with.
    """

    task: Task
    config: TrainingConfig
    best_score: float = math.nan
    best_fold_scores: tuple[float, ...] = ()
    best_loss: float = math.inf
    best_epoch: int = 0
    rate_factor: float = 1.0
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    _since_halved: int = 0

    @property
    def epoch(self) -> int:
        """How many epochs were seen."""
        return len(self.scores)

    @property
    def has_diverged(self) -> bool:
        """Whether the last epoch left no finite loss or score."""
        return bool(self.scores) and not (math.isfinite(self.losses[-1]) and math.isfinite(self.scores[-1]))

    @property
    def is_exhausted(self) -> bool:
        """Whether the patience is used up or the schedule is at its end."""
        return self.epoch >= self.config.epochs or self.epoch - self.best_epoch >= self.config.patience

    @property
    def noted(self) -> dict[str, Any]:
        """All that was noted, as plain values under the names that the constructor takes."""
        return {name: value for name, value in vars(self).items() if name not in _NOT_NOTED}

    def see(self, losses: Sequence[float], validation_losses: Sequence[float], scores: Sequence[float]) -> bool:
        """Take note of an epoch, of which each fold tells one value; return whether it is the best so far.

        Of two epochs with the same score the one with the lower validation loss is better, so that a coarse metric
        (accuracy over few rows) does not stop a trial that still learns; or the later one, where the config says so.
        """
        loss, score = float(np.mean(validation_losses)), float(np.mean(scores))
        self.losses.append(float(np.mean(losses)))
        self.validation_losses.append(loss)
        self.scores.append(score)
        if self.has_diverged:
            return False
        improved = self.best_epoch == 0 or self._beats_best(score, loss)
        if improved:
            self.best_score, self.best_loss, self.best_epoch = score, loss, self.epoch
            self.best_fold_scores = tuple(scores)
        self._follow_plateau(improved)
        return improved

    def _beats_best(self, score: float, loss: float) -> bool:
        if score == self.best_score:
            return self.config.ties == "last" or loss < self.best_loss
        return self.task.is_better(score, self.best_score)

    def _follow_plateau(self, improved: bool) -> None:
        if self.config.schedule != "plateau":
            return
        self._since_halved = 0 if improved else self._since_halved + 1
        if self._since_halved > max(1, self.config.patience // 3):
            self.rate_factor *= _PLATEAU_FACTOR
            self._since_halved = 0
