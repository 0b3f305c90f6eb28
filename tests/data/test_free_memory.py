from pathlib import Path

import pytest

from autokeras_lite.data.free_memory import free_bytes, num_oom_kills

MEGABYTE = 1 << 20
LIMIT, TAKEN, FILES = 10 * MEGABYTE, 7 * MEGABYTE, 2 * MEGABYTE
V1_NONE = 9223372036854771712


def write(folder: Path, files: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


def make_root(root: Path, groups: str) -> Path:
    write(root / "proc/self", {"cgroup": groups})
    return root


def v2(limit: object, taken: int = TAKEN) -> dict[str, object]:
    return {
        "memory.max": limit,
        "memory.current": taken,
        "memory.stat": f"anon 5\ninactive_file {FILES}",
        "memory.events": "oom 5\noom_kill 3",
    }


def v1(limit: int, taken: int = TAKEN) -> dict[str, object]:
    return {
        "memory.limit_in_bytes": limit,
        "memory.usage_in_bytes": taken,
        "memory.stat": f"total_inactive_file {FILES}",
        "memory.oom_control": "under_oom 0\noom_kill 3",
    }


@pytest.mark.parametrize(
    ("groups", "folder", "files"),
    [
        ("0::/", "", v2(LIMIT)),
        ("0::/slice/job", "slice/job", v2(LIMIT)),
        ("0::/docker/seen-from-outside", "", v2(LIMIT)),
        ("4:cpu:/\n3:memory:/docker/it\n0::/", "memory/docker/it", v1(LIMIT)),
        ("3:hugetlb,memory:/docker/seen-from-outside", "memory", v1(LIMIT)),
    ],
    ids=["own", "nested", "from outside", "version 1", "version 1 from outside"],
)
def test_in_a_container_what_its_limit_leaves_is_free(groups, folder, files, tmp_path):
    write(make_root(tmp_path, groups) / "sys/fs/cgroup" / folder, files)
    assert free_bytes(tmp_path) == LIMIT - TAKEN + FILES
    assert num_oom_kills(tmp_path) == 3


def test_the_narrowest_of_nested_limits_counts(tmp_path):
    groups = make_root(tmp_path, "0::/slice/job") / "sys/fs/cgroup"
    write(groups / "slice/job", v2("max"))
    write(groups / "slice", v2(LIMIT))
    write(groups, v2(2 * LIMIT))
    assert free_bytes(tmp_path) == LIMIT - TAKEN + FILES


@pytest.mark.parametrize(("groups", "files"), [("0::/", v2("max")), ("1:memory:/", v1(V1_NONE)), ("", {})])
def test_without_a_limit_the_machine_counts(groups, files, tmp_path):
    write(make_root(tmp_path, groups) / "sys/fs/cgroup", files)
    write(tmp_path / "sys/fs/cgroup/memory", files)
    assert free_bytes(tmp_path) > 10 * LIMIT


def test_a_container_that_is_full_leaves_nothing(tmp_path):
    write(make_root(tmp_path, "0::/") / "sys/fs/cgroup", v2(LIMIT, 2 * LIMIT))
    assert free_bytes(tmp_path) == 0


def test_where_nothing_is_told_the_number_of_kills_is_not_known(tmp_path):
    assert num_oom_kills(tmp_path) is None
