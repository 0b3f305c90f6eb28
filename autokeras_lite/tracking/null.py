"""A tracker that only remembers what it was told."""

from dataclasses import dataclass, field

from autokeras_lite.tracking.tracker import (
    Event,
    RunFiles,
    SearchEnd,
    SearchRecord,
    TrackingLink,
    TrialEnd,
    TrialRecord,
    UsageReadings,
)


@dataclass
class NullTracker:
    """Keeps every event in `events`, in the order of the calls, and writes nothing anywhere."""

    events: list[Event] = field(default_factory=list)
    problems: tuple[str, ...] = ()

    def start_search(self, record: SearchRecord) -> None:
        """Remember the record."""
        self.events.append(record)

    def start_trial(self, record: TrialRecord) -> None:
        """Remember the record."""
        self.events.append(record)

    def finish_trial(self, end: TrialEnd) -> None:
        """Remember the end."""
        self.events.append(end)

    def finish_search(self, end: SearchEnd) -> None:
        """Remember the end."""
        self.events.append(end)

    def log_files(self, files: RunFiles) -> None:
        """Remember the files."""
        self.events.append(files)

    def log_usage(self, readings: UsageReadings) -> None:
        """Remember the readings."""
        self.events.append(readings)

    def close(self, timeout_seconds: float) -> int:
        """Return 0: there is nothing to wait for."""
        del timeout_seconds
        return 0

    @property
    def pending(self) -> int:
        """Return 0: nothing is ever written."""
        return 0

    @property
    def link(self) -> TrackingLink:
        """A link to nothing."""
        return TrackingLink(uri="", experiment="", run_id="")
