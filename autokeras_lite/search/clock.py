"""How much of the budget is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from autokeras_lite.config import Budget

# What comes after the last trial (the model file, its check, the record) takes about so long on two cores.
TAIL_SECONDS = 8.0
_LARGEST_TAIL_SHARE = 0.25
# A cohort needs about two seconds until its first epoch is over.
FEWEST_USEFUL_SECONDS = 3.0


@dataclass
class Clock:
    """Watches a budget from `started` on, a reading of `now`."""

    budget: Budget
    started: float
    now: Callable[[], float] = field(default=time.monotonic)
    _refit_seconds: float = 0.0

    @property
    def elapsed_seconds(self) -> float:
        """How long the search has run."""
        return self.now() - self.started

    @property
    def training_seconds_left(self) -> float | None:
        """How long trials may still train, with the end of the search kept free; `None` without a time limit."""
        if self.budget.seconds is None:
            return None
        tail = min(TAIL_SECONDS + self._refit_seconds, _LARGEST_TAIL_SHARE * self.budget.seconds)
        return self.budget.seconds - tail - self.elapsed_seconds

    def expect_refit(self, trial_seconds: float) -> None:
        """Keep time free for training the best configuration again, whose trial took so long as one of several lanes.

        Alone it takes longer than as a lane, but on one set of rows and not on one for each fold.
        """
        self._refit_seconds = 2.0 + 2.0 * trial_seconds

    @property
    def is_over(self) -> bool:
        """Whether trials that train must end now."""
        left = self.training_seconds_left
        return left is not None and left <= 0

    @property
    def can_start(self) -> bool:
        """Whether a new cohort could still get somewhere."""
        left = self.training_seconds_left
        return left is None or left > FEWEST_USEFUL_SECONDS
