"""The store goes away in every way there is: nobody waits, nothing is lost, nothing is there twice."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kept_record import STATUSES, kept_record, small_search, tell

from autokeras_lite.config import Place
from autokeras_lite.tracking.mlflow_store import MlflowStore
from autokeras_lite.tracking.open import count_waiting, open_tracker, store_uri
from autokeras_lite.tracking.outbox import Outbox
from autokeras_lite.tracking.outbox_tracker import OutboxTracker, Pauses
from autokeras_lite.tracking.server import serve_ui
from autokeras_lite.tracking.tracker import TrackingLink

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]

QUICK = Pauses(0.01, 0.1, 0.1)
TIMEOUT_SECONDS = 1


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(TIMEOUT_SECONDS))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Returns what a store keeps of the search of that name when nothing happens to it."""
    runs_dir = str(tmp_path_factory.mktemp("runs"))

    def keep(name):
        place = Place(name, runs_dir)
        tracker = open_tracker(place)
        for event in small_search(name):
            tell(tracker, event)
        assert tracker.close(120) == 0
        record = kept_record(store_uri(place), name)
        assert {number: times[1] for number, times, *_ in record} == STATUSES
        return record

    return keep


class Server:
    """A real server that can be killed and started again at the same address."""

    def __init__(self, folder):
        self._folder = folder
        (folder / "mlflow.db").touch()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._running = None

    def start(self):
        self._running = serve_ui(self._folder, port=self._port)
        assert self._running.url == self.url

    def kill(self):
        os.killpg(self._running.process.pid, signal.SIGKILL)
        self._running.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that is down until it is started."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


class Proxy(BaseHTTPRequestHandler):
    """Hands requests on, unless the next of its server's `faults` says otherwise."""

    def do_GET(self):
        self._answer(None)

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PATCH = do_POST

    def _answer(self, body):
        fault = self.server.faults.pop(0) if self.server.faults else "none"
        if fault in ("429", "500"):
            self._send(int(fault), b"", {"Retry-After": "3600"})
        elif fault == "slow":  # does what was asked when nobody listens any more
            time.sleep(TIMEOUT_SECONDS + 0.2)
            self._hand_on(body)
        elif fault == "no answer":
            self._hand_on(body)
            time.sleep(TIMEOUT_SECONDS + 0.2)
        else:
            status, content = self._hand_on(body)
            self._send(500 if fault == "done, then 500" else status, content, {})

    def _hand_on(self, body):
        headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        request = urllib.request.Request(self.server.target + self.path, body, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def _send(self, status, content, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def proxy(server):
    """A server between the client and the real one."""
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    proxy.block_on_close = False
    proxy.target = server.url
    proxy.faults = []
    proxy.url = f"http://127.0.0.1:{proxy.server_port}"
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
    thread.start()
    yield proxy
    proxy.shutdown()
    thread.join()
    proxy.server_close()


def quick_tracker(uri, folder):
    return OutboxTracker(TrackingLink(uri, "adult", ""), lambda: MlflowStore(uri, None), Outbox(folder), QUICK)


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_is_down_at_first_and_killed_in_the_middle_has_it_all_at_last(server, undisturbed, tmp_path):
    tracker = open_tracker(Place("adult", str(tmp_path), server.url))
    events = list(small_search())
    tell(tracker, events[0])
    server.start()
    tell(tracker, events[1])
    until(lambda: not tracker.pending)
    server.kill()
    for event in events[2:5]:
        tell(tracker, event)
    assert tracker.close(5) == 3
    assert any("127.0.0.1" in problem for problem in tracker.problems)
    again = open_tracker(Place("adult", str(tmp_path), server.url))
    assert again.pending == 3
    server.start()
    for event in events[5:]:
        tell(again, event)

    assert again.close(60) == 0, again.problems
    assert kept_record(server.url) == undisturbed("adult")
    assert count_waiting(Place("adult", str(tmp_path))) == 0


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("refusing", ["500"] * 6 + ["none", "500", "none", "429"] * 6),
        ("busy", ["429"] * 6 + ["none", "none", "429"] * 6),
        ("forgetful", ["none", "done, then 500"] * 15),
        ("silent", ["none", "none", "none", "no answer", "none", "slow", "none", "none"]),
    ],
)
def test_a_server_that_is_not_well_has_it_all_once_at_last(server, proxy, undisturbed, tmp_path, name, faults):
    proxy.faults = list(faults)
    tracker = quick_tracker(proxy.url, tmp_path)
    for event in small_search(name):
        tell(tracker, event)
    until(lambda: not (tracker.pending and proxy.faults))
    proxy.faults = []

    assert tracker.close(60) == 0, tracker.problems
    assert kept_record(server.url, name) == undisturbed(name)


def test_a_black_hole_holds_up_neither_the_search_nor_its_end(tmp_path):
    runs_dir, before = str(tmp_path), set(threading.enumerate())
    events = list(small_search())
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        tracker = open_tracker(Place("adult", runs_dir, f"http://127.0.0.1:{hole.getsockname()[1]}"))
        began = time.monotonic()
        for event in [events[0], *events[1:-1] * 43]:
            tell(tracker, event)
        assert time.monotonic() - began < 5.0
        began = time.monotonic()
        waiting = tracker.close(0.5)
        assert time.monotonic() - began < 5.0
    assert waiting == 1 + 43 * len(events[1:-1])
    assert count_waiting(Place("adult", runs_dir)) == waiting
    until(lambda: set(threading.enumerate()) <= before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_each_event_that_is_delivered_twice_because_of_a_crash_is_there_once(undisturbed, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"

    class CrashingStore(MlflowStore):
        """Dies after its second event, before that is marked as delivered."""

        num_written = 0

        def write(self, event):
            super().write(event)
            self.num_written += 1
            if self.num_written == 2:
                raise SystemExit

    folder = tmp_path / "outbox"
    link, events = TrackingLink(uri, "adult", ""), list(small_search())
    for event in events:
        Outbox(folder).append(event)
    waiting = []
    while not waiting or waiting[-1] > 1:
        crashing = OutboxTracker(link, lambda: CrashingStore(uri, None), Outbox(folder), QUICK)
        waiting.append(crashing.close(60))

    assert waiting == list(range(len(events) - 1, 0, -1))
    assert quick_tracker(uri, folder).close(60) == 0
    assert kept_record(uri) == undisturbed("adult")


def test_a_process_killed_while_it_delivers_leaves_the_rest_to_the_next(undisturbed, tmp_path):
    place = Place("adult", str(tmp_path))
    outbox = place.folder / "outbox"
    for event in small_search():
        Outbox(outbox).append(event)
    code = (
        "from autokeras_lite.config import Place; from autokeras_lite.tracking.open import open_tracker;"
        f"open_tracker(Place('adult', {str(tmp_path)!r})).close(60)"
    )
    for left in (8, 4):
        process = subprocess.Popen([sys.executable, "-c", code])
        until(lambda left=left: count_waiting(place) <= left)
        process.kill()
        process.wait()
    tracker = open_tracker(place)

    assert tracker.close(60) == 0
    assert kept_record(store_uri(place)) == undisturbed("adult")
