"""Which packages a program loads, seen in a process of its own."""

import subprocess
import sys
from collections.abc import Sequence


def loaded_by(program: str) -> set[str]:
    """Return the top-level packages that are loaded after a program."""
    asked = f"{program}\nimport sys\nprint('\\n', *{{name.partition('.')[0] for name in sys.modules}})"
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=120)
    return set(ended.stdout.splitlines()[-1].split())


def loaded_by_command(arguments: Sequence[str]) -> set[str]:
    """Return the top-level packages that are loaded after a command, which must succeed."""
    return loaded_by(
        "import sys\nfrom autokeras_lite.cli.main import main\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    )
