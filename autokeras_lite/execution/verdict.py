"""What the end of a child means that left no result."""

import signal

from autokeras_lite.execution.guard import Sentence, Watched, beyond_memory
from autokeras_lite.trial import Cause

# A child that is ended in one of these ways so near its limit has met it: an allocation failed where none may fail,
# or the kernel was first.
_ENDS_FOR_WANT_OF_MEMORY = (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL)
_NEAR = 0.85
_ENDS_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)


def judge(
    exit_code: int | None, watched: Watched | None, limit_bytes: int, *, was_memory_short: bool = False
) -> Sentence:
    """Return the cause and the message for the trials of a child that has ended with this code.

    `was_memory_short` says that meanwhile the kernel has ended a process of this container for want of memory.

    Example:
        >>> judge(-11, None, 1 << 30)
        Sentence(cause=<Cause.SIGNAL: 'SIGNAL'>, message='The process was ended by SIGSEGV, in native code.')
    """
    if watched is not None and watched.sentence is not None:
        return watched.sentence
    if exit_code is None or exit_code >= 0:
        return Sentence(Cause.LOST, f"The process ended with code {exit_code} and left no result.")
    number = -exit_code
    if watched is not None and number in _ENDS_FOR_WANT_OF_MEMORY and watched.taken_bytes > _NEAR * limit_bytes:
        return Sentence(Cause.OUT_OF_MEMORY_HOST, beyond_memory(watched.taken_bytes, limit_bytes))
    if number == signal.SIGKILL and was_memory_short:
        return Sentence(
            Cause.OUT_OF_MEMORY_HOST,
            "The process was ended by the system for want of memory. Lower --memory-limit or --workers, or give the "
            "container more memory.",
        )
    if number in _ENDS_FROM_OUTSIDE:
        return Sentence(
            Cause.LOST, f"The process was ended from outside by {_name(number)}: by a person, or for want of memory."
        )
    return Sentence(Cause.SIGNAL, f"The process was ended by {_name(number)}, in native code.")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # A real-time signal.
        return f"signal {number}"
