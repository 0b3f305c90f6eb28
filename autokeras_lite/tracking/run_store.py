"""What the tracker's thread asks of a place for runs."""

from typing import Protocol

from autokeras_lite.tracking.tracker import Event, SearchRecord


class EventRefusedError(Exception):
    """The store answers, and will not take this event; the next one may be welcome. Never leaves the tracker."""


class RunStore(Protocol):
    """Writes events. A call that failed may be repeated, and a repeated call changes nothing."""

    def write(self, event: Event) -> None:
        """Write one event.

        Raises:
            TrackingError: the store cannot be reached, or is not well: the same event may be taken later.
            EventRefusedError: it will not take this event.
        """

    def recall(self, record: SearchRecord) -> None:
        """Hear which search later events belong to, when an earlier process has written its beginning already."""

    def prepare(self) -> None:
        """Do now, while nothing waits, what the last events would else wait for.

        Raises:
            TrackingError: it cannot be done now; nothing is lost but time.
        """

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of the experiment and of the search's run, empty as long as there are none."""
