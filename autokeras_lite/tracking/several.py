"""Several trackers as one: each is told everything."""

import time
from collections.abc import Sequence

from autokeras_lite.tracking.tracker import (
    RunFiles,
    SearchEnd,
    SearchRecord,
    Tracker,
    TrackingLink,
    TrialEnd,
    TrialRecord,
    UsageReadings,
)


class SeveralTrackers:
    """A `Tracker` that passes on what it is told, in order; a person is shown the link of the first."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = tuple(trackers)

    def start_search(self, record: SearchRecord) -> None:
        """Write down that the search began, or that it goes on."""
        for tracker in self._trackers:
            tracker.start_search(record)

    def start_trial(self, record: TrialRecord) -> None:
        """Write down that a trial began, or began again."""
        for tracker in self._trackers:
            tracker.start_trial(record)

    def finish_trial(self, end: TrialEnd) -> None:
        """Write down how a trial ended, with its curves."""
        for tracker in self._trackers:
            tracker.finish_trial(end)

    def finish_search(self, end: SearchEnd) -> None:
        """Write down how the search ended, with its best model."""
        for tracker in self._trackers:
            tracker.finish_search(end)

    def log_files(self, files: RunFiles) -> None:
        """Keep files beside the record of the search."""
        for tracker in self._trackers:
            tracker.log_files(files)

    def log_usage(self, readings: UsageReadings) -> None:
        """Write down how much of the machine was in use."""
        for tracker in self._trackers:
            tracker.log_usage(readings)

    def close(self, timeout_seconds: float) -> int:
        """Wait for what is still to be written, at most so long for all; return how many events were not."""
        deadline = time.monotonic() + timeout_seconds
        return sum(tracker.close(max(0.0, deadline - time.monotonic())) for tracker in self._trackers)

    @property
    def pending(self) -> int:
        """How many events are still to be written."""
        return sum(tracker.pending for tracker in self._trackers)

    @property
    def link(self) -> TrackingLink:
        """Where a person finds the record that the first tracker keeps."""
        return self._trackers[0].link

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with events that could not be written, one line each."""
        return tuple(problem for tracker in self._trackers for problem in tracker.problems)
