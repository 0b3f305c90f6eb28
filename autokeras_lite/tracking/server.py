"""Show a record in the MLflow UI, on this machine only."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking import names
from autokeras_lite.tracking.comparison import comparison_address, list_address, plain_address, side_by_side_address
from autokeras_lite.tracking.open import MLFLOW_ENVIRONMENT
from autokeras_lite.tracking.uri import ARTIFACTS_FOLDER, SERVER_SCHEMES, mask, resolve_uri, sqlite_file

DEFAULT_PORT = 5000
LOOPBACK = "127.0.0.1"

_PORTS_TRIED = 50
# Browsers refuse to open these (Fetch standard, "bad port").
_REFUSED_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
_SIDE_BY_SIDE = 5
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_VANISH_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
_SERVER_ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


@dataclass(frozen=True)
class UiServer:
    """An MLflow server that answers. `process` is the one started for it, `None` where a server ran already.

    `url` holds no password, and may be shown; `authorization` is what such a server is asked with. `name` is the search
    whose comparison is shown first.
    """

    url: str
    name: str | None = None
    process: "subprocess.Popen[bytes] | None" = None
    authorization: str | None = field(default=None, repr=False)

    @property
    def start_url(self) -> str:
        """The page to open: the comparison of the search that was named, else the list of searches."""
        return list_address(self.url) if self.name is None else self.comparison_url(self.name)

    @property
    def best_url(self) -> str | None:
        """The page that sets the best trials of the search that was named beside each other; `None` below two."""
        if self.name is None:
            return None
        found = self._find(self.name)
        return None if found is None else self._side_by_side(found)

    def comparison_url(self, experiment: str) -> str:
        """Return the page that compares the trials of the newest search in `experiment`, best score first.

        Raises:
            TrackingError: the server has no such experiment, or it does not answer.
        """
        found = self._find(experiment)
        if found is None:
            return list_address(self.url)
        if found.has_view:
            return comparison_address(self.url, found.experiment_id, found.run_id)
        return plain_address(self.url, found.experiment_id, found.run_id, is_ascending=found.is_ascending)

    def wait(self) -> None:
        """Wait until the server has ended; at once where none was started."""
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """End the server and everything that it started."""
        if self.process is not None:
            _end_group(self.process)

    def _find(self, experiment: str) -> "_Found | None":
        """Return the newest search of an experiment, `None` where it has none."""
        query = urlencode({"experiment_name": experiment})
        values = self._ask(f"experiments/get-by-name?{query}", f"search {experiment!r}")["experiment"]
        experiment_id = str(values["experiment_id"])
        is_search = f"tags.`{names.TAG_KIND}` = '{names.KIND_SEARCH}'"
        runs = self._runs(experiment_id, is_search, "attributes.start_time DESC", 1)
        if not runs:
            return None
        run_id = str(runs[0]["info"]["run_id"])
        views = {tag["key"] for tag in values.get("tags", [])}
        tags = {tag["key"]: tag["value"] for tag in runs[0]["data"].get("tags", [])}
        is_ascending = tags.get(names.TAG_DIRECTION) == "minimize"
        return _Found(experiment_id, run_id, is_ascending, names.TAG_VIEW_PREFIX + run_id in views)

    def _side_by_side(self, found: "_Found") -> str | None:
        is_trial = f"tags.`{names.TAG_PARENT}` = '{found.run_id}'"
        order = f"metrics.`{names.SCORE}` {'ASC' if found.is_ascending else 'DESC'}"
        runs = self._runs(found.experiment_id, is_trial, order, _SIDE_BY_SIDE)
        best = [
            str(run["info"]["run_id"])
            for run in runs
            if any(metric["key"] == names.SCORE for metric in run["data"].get("metrics", []))
        ]
        return side_by_side_address(self.url, found.experiment_id, best) if len(best) > 1 else None

    def _runs(self, experiment_id: str, condition: str, order: str, most: int) -> list[dict[str, Any]]:
        asked = {"experiment_ids": [experiment_id], "filter": condition, "order_by": [order], "max_results": most}
        return list(self._ask("runs/search", "runs", asked).get("runs", []))

    def _ask(self, path: str, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        request = Request(f"{self.url}/api/2.0/mlflow/{path}", data, headers)  # noqa: S310 - http or https, see serve_ui
        try:
            with urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                found = json.load(answer)
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, HTTPError):
                error.close()
            raise TrackingError(
                f"The MLflow server at {self.url} could not show {what}: {error}. Expected a search that has run "
                "with this store. Check the name and --tracking-uri."
            ) from error
        return dict(found)


@dataclass(frozen=True)
class _Found:
    """A search on a server; `is_ascending` says that a low score is a good one."""

    experiment_id: str
    run_id: str
    is_ascending: bool
    has_view: bool


def serve_ui(
    runs_dir: str | Path, *, port: int | None = None, tracking_uri: str | None = None, name: str | None = None
) -> UiServer:
    """Start the MLflow UI over a store on the loopback interface, and return when it answers.

    It listens on `port`, or the next free one, from 5000 on. Hosts and origins other than this machine are refused.
    Where `tracking_uri` is that of a server already, nothing is started.

    Raises:
        TrackingError: there is no store yet, no free port, or the server does not start.
    """
    uri = resolve_uri(tracking_uri, runs_dir)
    if uri.startswith(SERVER_SCHEMES):
        return _running_server(uri, name)
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise TrackingError(
            f"There is no record at {str(file)!r}. Expected the store of an earlier search. "
            "Run autokeras-lite search first, or name another --runs-dir."
        )
    artifacts = Path(runs_dir).expanduser().absolute() / ARTIFACTS_FOLDER
    chosen = _free_port(DEFAULT_PORT if port is None else port)
    with tempfile.TemporaryFile() as log:
        process = _start(uri, artifacts, chosen, log)
        try:
            _await_answer(process, f"http://{LOOPBACK}:{chosen}", log)
        except BaseException:
            _end_group(process)
            raise
    return UiServer(f"http://{LOOPBACK}:{chosen}", name, process)


def _running_server(uri: str, name: str | None) -> UiServer:
    parts = urlsplit(uri)
    user_info, _, host = parts.netloc.rpartition("@")
    code = base64.b64encode(unquote(user_info).encode()).decode()
    url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    return UiServer(url, name, authorization=f"Basic {code}" if user_info else None)


def _free_port(first: int) -> int:
    for port in range(max(first, 1), min(first + _PORTS_TRIED, 65536)):
        if port in _REFUSED_PORTS:
            continue
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise TrackingError(
        f"No port from {first} up is free. Expected one among {_PORTS_TRIED} ports up to 65535. Choose another --port."
    )


def _start(uri: str, artifacts: Path, port: int, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start the server in a process group of its own; the store's address travels unseen, it may hold a password."""
    hosts = [f"{host}:{port}" for host in (LOOPBACK, "localhost")]
    options = {
        "--host": LOOPBACK,
        "--port": str(port),
        "--workers": "1",
        "--allowed-hosts": ",".join(hosts),
        "--cors-allowed-origins": ",".join(f"http://{host}" for host in hosts),
        "--default-artifact-root": artifacts.as_uri(),
    }
    flat = [part for option in options.items() for part in option]
    environment = MLFLOW_ENVIRONMENT | os.environ | _SERVER_ENVIRONMENT | {"MLFLOW_BACKEND_STORE_URI": uri}
    return subprocess.Popen(  # noqa: S603 - every part of the command is ours
        [sys.executable, "-m", "mlflow", "server", "--no-serve-artifacts", *flat],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        start_new_session=True,
    )


def _await_answer(process: "subprocess.Popen[bytes]", url: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/health", timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                if answer.status == 200 and process.poll() is None:
                    return
        except (OSError, HTTPException):
            time.sleep(0.2)
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    raise TrackingError(f"The MLflow UI did not start: {mask(said)[:120]}. Expected an answer at {url}. Try again.")


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ask the group to end, then make it, and wait until it is gone: its first process ends before the others."""
    if _signal_group(process, signal.SIGTERM):
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    _signal_group(process, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + _VANISH_SECONDS
    while _signal_group(process, 0) and time.monotonic() < deadline:
        time.sleep(0.02)


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> bool:
    """Send a signal to the group, and say whether there was one; 0 only asks."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True
