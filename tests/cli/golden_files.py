"""Recorded texts: what a person saw when the text was last looked at."""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"
_UPDATE = "AKL_UPDATE_GOLDEN"


def check_golden(name: str, text: str) -> None:
    """Compare a text with the recorded one, or record it where the environment says so."""
    file = _FOLDER / f"{name}.txt"
    if os.environ.get(_UPDATE) == "1":
        _FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    recorded = file.read_text(encoding="utf-8") if file.exists() else ""
    assert text == recorded, (
        f"The text differs from {file}. If the new one is right: {_UPDATE}=1 pytest tests/cli, then read the diff."
    )
