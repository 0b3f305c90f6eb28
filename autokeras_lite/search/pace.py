"""How fast cohorts train, and whether their schedules come to an end in the time that is left."""

from dataclasses import dataclass, field

from autokeras_lite.spaces.training_choices import SHRINKING_SCHEDULES
from autokeras_lite.trial import EpochReport, TrainingConfig

# A schedule should come to its end in this much of the time that is left. The first leaves time for other
# configurations; a later one that is too long shows that they would come to nothing in what it left.
_FIRST_SHARE, _SHARE = 0.6, 0.9
_FEWEST_EPOCHS = 3


@dataclass
class Pace:
    """Judges each cohort once, at its second report: the first epoch holds the compilation of its program."""

    _first: dict[int, EpochReport] = field(default_factory=dict)
    _judged: set[int] = field(default_factory=set)

    def fit(
        self, report: EpochReport, training: TrainingConfig, seconds_left: float | None, *, is_first: bool
    ) -> int | None:
        """Return how many epochs a schedule may have that is too long for the time that is left, else `None`.

        The first schedule is one before any trial has come to a score. A trial whose learning rate never fell is far
        from what it can be: a short schedule is better than half of a long one. Where the rate stays as it is, nothing
        is lost by stopping at any time.
        """
        if seconds_left is None or training.schedule not in SHRINKING_SCHEDULES or report.cohort in self._judged:
            return None
        first = self._first.setdefault(report.cohort, report)
        if report.epoch == first.epoch:
            return None
        self._judged.add(report.cohort)
        share = _FIRST_SHARE if is_first else _SHARE
        seconds = (report.seconds - first.seconds) / (report.epoch - first.epoch)
        epochs = report.epoch + max(_FEWEST_EPOCHS, int(share * seconds_left / max(seconds, 1e-6)))
        return epochs if epochs < training.epochs else None
