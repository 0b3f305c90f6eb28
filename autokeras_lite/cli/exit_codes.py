"""The exit codes of the program: what each says to a script, and what leads to it."""

from enum import IntEnum

from autokeras_lite.errors import AutokerasLiteError, InUseError, StorageError, TrialError


class ExitCode(IntEnum):
    """How the program ended."""

    DONE = 0
    NOTHING_CAME = 1
    BAD_INPUT = 2
    FAILURES = 3
    IN_USE = 4
    DISK_FULL = 5
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.NOTHING_CAME: "nothing came of it: every trial failed, or doctor found a problem",
    ExitCode.BAD_INPUT: "an option, the data, a space or a saved search cannot be used",
    ExitCode.FAILURES: "stopped by failures in a row before the budget was spent",
    ExitCode.IN_USE: "another process works on this search",
    ExitCode.DISK_FULL: "the disk is full; what was finished is saved",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C or SIGTERM; what was finished is saved",
}

_OF_ERRORS: dict[type[AutokerasLiteError], ExitCode] = {
    TrialError: ExitCode.NOTHING_CAME,
    InUseError: ExitCode.IN_USE,
    StorageError: ExitCode.DISK_FULL,
}
_OF_ENDS = {
    "": ExitCode.DONE,
    "failures": ExitCode.FAILURES,
    "interrupted": ExitCode.INTERRUPTED,
    "unfinished": ExitCode.INTERRUPTED,
}


def code_of_error(error: AutokerasLiteError) -> ExitCode:
    """Return the exit code of what could not be done.

    Example:
        >>> code_of_error(InUseError("Process 7 works on it."))
        <ExitCode.IN_USE: 4>
    """
    return next((code for kind, code in _OF_ERRORS.items() if isinstance(error, kind)), ExitCode.BAD_INPUT)


def code_of_end(stopped: str) -> ExitCode:
    """Return the exit code of a search that has a result; `stopped` is that of its `SearchSummary`.

    Example:
        >>> code_of_end("failures")
        <ExitCode.FAILURES: 3>
    """
    return _OF_ENDS[stopped]
