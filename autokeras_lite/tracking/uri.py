"""Where a record may be kept: addresses of stores, read and shown without a password."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from autokeras_lite.errors import TrackingError

STORE_FILE = "mlflow.db"
ARTIFACTS_FOLDER = "mlflow_artifacts"
SERVER_SCHEMES = ("http", "https")
DATABASE_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql")

# A password may hold what an address should have quoted: it reaches to the last @. In a server's address, digits up to
# a slash are a port; in the midst of a text a space ends the address, unless the first @ comes after it.
_SCHEME = r"[a-z][a-z0-9+.\-]{0,30}"
_USER = r"(?!\[)[^/:\s?#]{0,200}"
_NO_PORT = r"(?!\d*(?:[/?#\s]|$))"
_START = rf"(?P<start>(?:https?://{_USER}:{_NO_PORT}|(?!https?:){_SCHEME}://{_USER}:))"
_WHOLE = re.compile(rf"(?i)\A{_START}(?P<password>.*)@")
_WITHIN = re.compile(rf"(?i)\b{_START}(?P<password>\S{{0,2000}}|{_NO_PORT}[^@\n]{{0,200}}(?:@\S{{0,200}})?)@")
_LONE_USER = re.compile(r"(?i)(?P<start>\bhttps?://)(?P<password>[^/?#\s:@]+)@")
_SECRET_QUERY = re.compile(r"(?i)([?&;][^=&;\s]*(?:pass|pwd|token|secret|key|cred)[^=&;\s]*=)[^&;\s]+")
_ONE_ADDRESS = re.compile(rf"(?i){_SCHEME}://\S*")
# The names of exceptions, as KeyError, are followed by what a person must read.
_SECRET_WORD = re.compile(
    r"(?i)((?:key|token|secret|passw|cred|pwd)(?!\w{0,40}(?:error|exception|warning|interrupt)\b)"
    r"\w{0,40}[\"']?[ \t]*[=:][ \t]*)"
    r"(?!\*\*\*(?:[&;,)}\]\s]|$))(?:\"[^\"\n]*\"|'[^'\n]*'|\S+)"
)
_TELLING_LENGTH = 4


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
    scheme = _scheme(tracking_uri)
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
    """Return the text with every password in an address replaced by `***`, and a server's user without a password.

    In a text that is more than one address, what follows a word like `api_key=` or `password:` is replaced too.

    Example:
        >>> mask("postgresql://ann:s3cret@db/mlflow?token=abc")
        'postgresql://ann:***@db/mlflow?token=***'
        >>> mask("KeyError: 'age', with api_key=abc")
        "KeyError: 'age', with api_key=***"
    """
    for pattern in (_WHOLE, _WITHIN, _LONE_USER):
        text = pattern.sub(r"\g<start>***@", text)
    text = _SECRET_QUERY.sub(r"\1***", text)
    return text if _ONE_ADDRESS.fullmatch(text) else _SECRET_WORD.sub(r"\1***", text)


def hide_secrets(text: str, uri: str) -> str:
    """Return a message about the store at `uri` without the password that it may repeat, written plain or quoted.

    A driver that splits the address at another place repeats a part of it, often as the beginning of the host.
    """
    found = _WHOLE.search(uri) or _LONE_USER.search(uri)
    if found is not None:
        password = found["password"]
        parts = re.split(r"[@/\s]", password)
        secrets = {password, unquote(password), *(part for part in parts if len(part) >= _TELLING_LENGTH)} - {""}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        if parts[-1]:
            text = text.replace(f"{parts[-1]}@", "***@")
    return mask(text)


def _scheme(uri: str) -> str:
    try:
        return urlsplit(uri).scheme.partition("+")[0]
    except ValueError as error:
        raise TrackingError(
            f"Tracking URI {mask(uri)!r} was given, which is no address ({error}). Expected one like http://host:5000. "
            "Correct it; a password is written with %40 for @ and %2F for /."
        ) from None
