"""The best Keras model that your data supports, within the time you give, with a score you can believe.

import autokeras_lite as akl
result = akl.search(frame, target="income", time_limit="5m")
result.predict(new_rows)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autokeras_lite.api import SearchResult, load, search

__version__ = "0.1.0"
__all__ = ["SearchResult", "__version__", "load", "search"]


def __getattr__(name: str) -> Any:
    """Load the interface when it is first asked for: importing the package itself must cost nothing."""
    if name in ("SearchResult", "load", "search"):
        from autokeras_lite import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
