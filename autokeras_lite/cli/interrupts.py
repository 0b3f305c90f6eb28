"""Every way in which a person ends a command is taken for Ctrl-C, where something must be put right first."""

import signal
import types
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def every_end_as_interrupt() -> Iterator[None]:
    """Let a closed terminal or a `kill` raise `KeyboardInterrupt`, as Ctrl-C does."""

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        raise KeyboardInterrupt

    earlier = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
