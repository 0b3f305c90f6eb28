"""Space files that would take a machine long, or all of its memory, are refused in one line."""

import subprocess
import sys

import pytest

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.limits import LONGEST_TEXT, MOST_MARKS
from autokeras_lite.spaces.load import read_space
from autokeras_lite.spaces.schema import MOST_OPTIONS, MOST_PARAMETERS, MOST_SLOTS, MOST_VARIANTS

HEAD = 'family = "layer_stack"\nsummary = "s"\naccepts = ["table"]\n'
INT = '{ type = "int", low = 1, high = 9, default = 1 }'
SLOT = '[[stack]]\nname = "a"\n'


def nested(levels: int, repeats: int) -> str:
    inner = '{ name = "z", layers = [{ kind = "Flatten" }] }'
    for level in range(levels):
        inner = f'{{ name = "s{level}", repeats = {repeats}, slots = [\n{inner}] }}'
    return HEAD + f"stack = [{inner}]"


BOMBS = {
    "more than a megabyte": (HEAD + "#" * 10**6, "bytes. Expected at most 1,000,000"),
    "many values": (HEAD + "a = [" + "1,\n" * (MOST_MARKS + 1) + "]", "20,001 times ','"),
    "many levels of names": ("\n".join(["a" + ".a" * 1_999 + " = 1"] * 12), "times '.'. Expected at most 20,000"),
    "many tables": ("[[a]]\n" * 15_000, "30,000 times"),
    "deep lists": (HEAD + "a = " + "[" * 5_000 + "]" * 5_000, "characters in line 4|nested too deeply"),
    "deep tables": ("\n".join(["x = " + "{ a = " * 600] * 3), "nested too deeply|no TOML"),
    "a hexadecimal number beyond counting": (HEAD + f"[parameters]\nd = 0x{'f' * 3_900}", "more than 64 bits"),
    "a decimal number beyond counting": (HEAD + f"[parameters]\nd = {'9' * 3_900}", "more than 64 bits"),
    "a long text": (HEAD + '[parameters]\nd = """' + "x\n" * LONGEST_TEXT + '"""', "a text of 2,000 characters"),
    "a name that does not show": (HEAD + '[parameters]\n"a\\u001b[31m\\n" = 1', r"the key 'a\\x1b\[31m\\n'"),
    "a long name": (HEAD + f"[parameters]\n{'a' * 1_001} = 1", "Expected a short one"),
    "many parameters": (
        HEAD + "[parameters]\n" + "".join(f"p{i} = 1\n" for i in range(MOST_PARAMETERS + 1)),
        "parameters has too many entries. Expected at most 1,000",
    ),
    "many variants": (
        HEAD + "[parameters]\n" + "".join(f"p.v{i} = {INT}\n" for i in range(MOST_VARIANTS + 1)),
        "parameters.p has too many entries. Expected at most 20",
    ),
    "many options": (
        HEAD + '[parameters]\np = { type = "choice", default = 1, options = [\n'
        + "".join(f"{i},\n" for i in range(MOST_OPTIONS + 1)) + "] }",
        "parameters.p.options has too many entries",
    ),
    "many slots": (
        HEAD + "".join(f'[[stack]]\nname = "s{i}"\nlayers = [{{ kind = "Flatten" }}]\n' for i in range(MOST_SLOTS + 1)),
        "stack has too many entries. Expected at most 200",
    ),
    "many repeats": (nested(1, 10**9), "repeats is 1000000000. Expected a whole number from 0 up to 64"),
    "repeats of repeats": (nested(5, 64), "The stack can have 1,073,741,824 layers"),
    "repeats of repeats of nothing": (nested(20, 2), "nested too deeply|layers. Expected at most 1,000"),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_a_space_that_is_a_bomb_is_refused_in_one_line(case):
    content, part = BOMBS[case]
    with pytest.raises(SpaceError, match=part) as caught:
        read_space(content.encode(), file="mine.toml", name="mine")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


LITTLE_MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import psutil
from test_space_bombs import BOMBS, SpaceError, read_space
resource.setrlimit(resource.RLIMIT_DATA, (psutil.Process().memory_info().data + 200 * 2**20, -1))
for content, _ in BOMBS.values():
    try:
        read_space(content.encode(), file="mine.toml", name="mine")
    except SpaceError:
        continue
    raise SystemExit("was read")
"""


@pytest.mark.slow
def test_no_bomb_takes_two_hundred_megabytes():
    folder = __file__.rpartition("/")[0]
    ended = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, folder], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_a_space_of_the_largest_lists_is_read():
    parameters = "".join(f"p{i} = {{ type = 'choice', options = [1, 2], default = 1 }}\n" for i in range(900))
    slots = "".join(f'[[stack]]\nname = "s{i}"\nlayers = [{{ kind = "Flatten" }}]\n' for i in range(MOST_SLOTS))
    space = read_space((HEAD + "[parameters]\n" + parameters + slots).encode(), file="mine.toml", name="mine")
    assert len(space.parameters) == 900
    config, _ = space.assemble(space.defaults())
    assert len(config["stack"]) == MOST_SLOTS
