import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from autokeras_lite.errors import ConfigError, InUseError
from autokeras_lite.search.hold import DRIVER_FILE, LOCK_FILE, check_file_system, hold_folder

HOLDER = """
import sys, time
from pathlib import Path
from autokeras_lite.search.hold import hold_folder

with hold_folder(Path(sys.argv[1])):
    (Path(sys.argv[1]) / "search.json").write_text("{}")
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def holder(tmp_path):
    """Start another process that holds the folder `first`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "first")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_folder_is_made_and_held_once(tmp_path):
    folder = tmp_path / "runs" / "first"
    with hold_folder(folder):
        assert folder.is_dir()
        driver = json.loads((folder / DRIVER_FILE).read_text())
        assert (driver["pid"], driver["host"]) == (os.getpid(), socket.gethostname())
        with pytest.raises(InUseError), hold_folder(folder):
            pass
        assert (folder / DRIVER_FILE).exists(), "who was refused leaves it alone"
        (folder / "search.json").write_text("{}")
    assert not (folder / DRIVER_FILE).exists()
    with hold_folder(folder):
        pass


def test_another_process_is_refused_with_the_name_of_the_first(holder, tmp_path):
    told = rf"'first' is being worked on by process {holder.pid} on {socket.gethostname()} since \d.*another --name"
    with pytest.raises(InUseError, match=told) as caught, hold_folder(tmp_path / "first"):
        pass
    assert "\n" not in str(caught.value)
    assert (tmp_path / "first" / "search.json").exists()


def test_the_lock_vanishes_with_a_process_that_is_killed(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "first" / DRIVER_FILE).exists(), "it had no time to clean up"
    with hold_folder(tmp_path / "first"):
        assert json.loads((tmp_path / "first" / DRIVER_FILE).read_text())["pid"] == os.getpid()


def test_a_damaged_note_about_the_driver_still_refuses_the_second(holder, tmp_path):
    for content in ("", "{}", "[]", "3", "\0"):
        (tmp_path / "first" / DRIVER_FILE).write_text(content)
        refused = pytest.raises(InUseError, match=r"^Another process works on the search 'first'")
        with refused, hold_folder(tmp_path / "first"):
            pass


def test_a_search_that_is_refused_before_anything_was_written_leaves_no_folder(tmp_path):
    with pytest.raises(ConfigError, match="no"), hold_folder(tmp_path / "runs" / "deep" / "first"):
        raise ConfigError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path):
    (tmp_path / "first").mkdir()
    with hold_folder(tmp_path / "first"):
        pass
    assert (tmp_path / "first").is_dir()


def test_a_folder_in_which_something_was_written_stays(tmp_path):
    with hold_folder(tmp_path / "first"):
        (tmp_path / "first" / "search.json").write_text("{}")
    assert {file.name for file in (tmp_path / "first").iterdir()} - {LOCK_FILE} == {"search.json"}


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    message = r"cannot be written \(Not a directory\).*Choose another --runs-dir"
    with pytest.raises(ConfigError, match=message), hold_folder(tmp_path / "file" / "first"):
        pass


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs"])
def test_a_network_file_system_is_refused(kind, tmp_path):
    mounts = (("/", "ext4"), (str(tmp_path), kind))
    with pytest.raises(ConfigError, match=rf"network file system \({kind}\).*Choose another --runs-dir"):
        check_file_system(tmp_path / "runs" / "first", mounts)


def test_the_nearest_mount_decides(tmp_path):
    check_file_system(tmp_path / "local" / "first", (("/", "nfs4"), (str(tmp_path / "local"), "ext4")))
    (tmp_path / "link").symlink_to(tmp_path / "far")
    with pytest.raises(ConfigError, match="network"):
        check_file_system(tmp_path / "link" / "first", (("/", "ext4"), (str(tmp_path / "far"), "nfs")))
    check_file_system(tmp_path / "further", (("/", "ext4"), (str(tmp_path / "far"), "nfs")))
    check_file_system(tmp_path, ())


def test_the_real_mounts_are_asked(tmp_path):
    check_file_system(tmp_path)


FULL = """
import resource, signal, sys
from pathlib import Path
from autokeras_lite.errors import AutokerasLiteError
from autokeras_lite.search.hold import hold_folder

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    with hold_folder(Path(sys.argv[1])):
        pass
except AutokerasLiteError as error:
    print(error)
"""


def test_a_full_disk_does_not_hinder_the_lock_or_is_named_in_one_line(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
