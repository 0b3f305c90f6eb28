"""The best Keras model that your data supports, within the time you give, with a score you can believe.

import autokeras_lite as akl
result = akl.search(frame, target="income", time_limit="5m")
result.predict(new_rows)
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autokeras_lite.api import SearchResult, load, resume, search

__version__ = "0.1.0"
__all__ = ["SearchResult", "__version__", "load", "resume", "search"]


class _Package(ModuleType):
    """Loads the interface when it is first asked for: importing the package itself must cost nothing.

    `search` is the function, although a room has the same name: when a room is imported, Python puts it into its
    package, and what it puts here under this name is let go. (Rooms are imported by `from autokeras_lite.search...`.)
    """

    @property
    def search(self) -> Any:
        from autokeras_lite import api

        return api.search

    @search.setter
    def search(self, room: ModuleType) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name in ("SearchResult", "load", "resume"):
            from autokeras_lite import api

            return getattr(api, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted(__all__)


sys.modules[__name__].__class__ = _Package
