"""What a search does when it is asked to stop: by Ctrl-C, or by whoever manages the machine (SIGTERM)."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

INTERRUPTED = 130
# Managers of machines kill ten seconds (Docker) or half a minute (Kubernetes, Slurm) after SIGTERM.
TERM_SECONDS = 9.0


@dataclass
class Stop:
    """Whether somebody has asked for the end, and how soon it must come."""

    is_asked: bool = False
    is_urgent: bool = False

    def ask(self, *, urgent: bool = False) -> None:
        """Ask for the end: the best model is still saved, `urgent` within seconds."""
        self.is_asked = True
        self.is_urgent = self.is_urgent or urgent

    @property
    def reason(self) -> str:
        """Say in a sentence what happens now."""
        if self.is_urgent:
            return "Stopping within ten seconds, as the system asks: the best model is being saved."
        return "Stopping: the best model is being saved; press Ctrl-C again to stop at once."


@contextmanager
def heeding_signals(stop: Stop) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM ask for the end, and the second raise `KeyboardInterrupt`.

    If the block is not left within nine seconds of SIGTERM, the process ends there: what is durable is kept. Only the
    main thread hears signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    timer = threading.Timer(TERM_SECONDS, _end)
    timer.daemon = True

    def heed(number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            raise KeyboardInterrupt
        urgent = number == signal.SIGTERM
        stop.ask(urgent=urgent)
        if urgent:
            timer.start()

    before = {number: signal.signal(number, heed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    sys.stderr.write("Ended by SIGTERM before all was saved; what was finished is kept and the search can go on.\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)
