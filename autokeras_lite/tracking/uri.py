"""Where a record may be kept: addresses of stores, read and shown without a password."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from autokeras_lite.errors import TrackingError

STORE_FILE = "mlflow.db"
ARTIFACTS_FOLDER = "mlflow_artifacts"
SERVER_SCHEMES = ("http", "https")
DATABASE_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql")

_USER_INFO = re.compile(r"(?<=://)([^/@:\s]*):([^/@\s]*)@")
_SECRET_QUERY = re.compile(r"(?i)([?&;][^=&;\s]*(?:pass|pwd|token|secret|key|cred)[^=&;\s]*=)[^&;\s]+")


def resolve_uri(tracking_uri: str | None, runs_dir: str | Path) -> str:
    """Return the absolute address of the store that stands at `tracking_uri`, or by default in `runs_dir`.

    Raises:
        TrackingError: the address is of a kind that cannot keep a record.

    Example:
        >>> resolve_uri("http://127.0.0.1:5000", "runs")
        'http://127.0.0.1:5000'
    """
    if tracking_uri is None:
        return f"sqlite:///{Path(runs_dir).expanduser().absolute() / STORE_FILE}"
    scheme = urlsplit(tracking_uri).scheme.partition("+")[0]
    if scheme not in SERVER_SCHEMES + DATABASE_SCHEMES or "://" not in tracking_uri:
        raise TrackingError(
            f"Tracking URI {mask(tracking_uri)!r} was given. Expected an address that begins with http, https, "
            f"{', '.join(DATABASE_SCHEMES)}. Write it like http://host:5000 or sqlite:////folder/mlflow.db."
        )
    if scheme != "sqlite":
        return tracking_uri
    file = tracking_uri.partition("://")[2].removeprefix("/").partition("?")[0]
    if file in ("", ":memory:"):
        raise TrackingError(
            f"Tracking URI {tracking_uri!r} was given. Expected a file: a store in memory is lost with the search. "
            "Write it like sqlite:////folder/mlflow.db."
        )
    return f"sqlite:///{Path(file).expanduser().absolute()}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, `None` for any other store.

    Example:
        >>> sqlite_file("sqlite:////runs/mlflow.db").as_posix()
        '/runs/mlflow.db'
    """
    return Path(uri.partition(":///")[2]) if uri.startswith("sqlite") else None


def mask(text: str) -> str:
    """Return the text with every password in an address replaced by `***`.

    Example:
        >>> mask("postgresql://ann:s3cret@db/mlflow?token=abc")
        'postgresql://ann:***@db/mlflow?token=***'
    """
    return _SECRET_QUERY.sub(r"\1***", _USER_INFO.sub(r"\1:***@", text))


def hide_secrets(text: str, uri: str) -> str:
    """Return a message about the store at `uri` without the password that it may repeat, written plain or quoted."""
    password = _USER_INFO.search(uri)
    secrets = {password[2], unquote(password[2])} - {""} if password else set()
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return mask(text)
