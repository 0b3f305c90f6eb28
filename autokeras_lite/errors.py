"""The words that a person sees when something cannot be done.

    AutokerasLiteError
    ├── ConfigError         an option is wrong or two options contradict each other
    ├── DataError           the data cannot be read, or no model can be learned from them
    ├── TaskError           the task or the metric does not fit the targets
    ├── SpaceError          a search space is wrong or fits no input
    ├── TrialError          every trial failed
    ├── ArtifactError       a saved search or model is missing, damaged or does not fit the data
    ├── TrackingError       the tracking store cannot be opened
    ├── StorageError        the disk is full, or cannot be written any more; what was written stays
    └── InUseError          another process works on this search

Each message says what came, what was expected and how to fix it. Faults of our own are not wrapped: they keep their
traceback.
"""


class AutokerasLiteError(Exception):
    """Root of everything that a person can put right."""


class ConfigError(AutokerasLiteError):
    """An option is wrong, or two options contradict each other."""


class DataError(AutokerasLiteError):
    """The data cannot be read, or no model can be learned from them."""


class TaskError(AutokerasLiteError):
    """The task or the metric does not fit the targets."""


class SpaceError(AutokerasLiteError):
    """A search space is wrong, or it fits no input."""


class TrialError(AutokerasLiteError):
    """Every trial failed."""


class ArtifactError(AutokerasLiteError):
    """A saved search or model is missing, damaged or does not fit the data."""


class TrackingError(AutokerasLiteError):
    """The tracking store cannot be opened."""


class StorageError(AutokerasLiteError):
    """The disk is full, or cannot be written any more; what was written stays."""


class InUseError(AutokerasLiteError):
    """Another process works on this search."""
