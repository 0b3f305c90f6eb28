"""Laws of listing spaces."""

import subprocess
import sys

from autokeras_lite.spaces.listing import list_spaces, shipped_names
from autokeras_lite.spaces.load import load_space


def test_the_list_says_what_the_spaces_say():
    assert {summary.name for summary in list_spaces()} == set(shipped_names())
    for summary in list_spaces():
        space = load_space(summary.name)
        assert (summary.family, summary.summary, set(summary.accepts)) == (space.family, space.summary, space.accepts)


def test_listing_loads_nothing_heavy():
    code = (
        "import sys; from autokeras_lite.spaces.listing import list_spaces; assert list_spaces(); "
        "print([m for m in ('pydantic', 'pandas', 'numpy', 'keras', 'tensorflow', 'optuna') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
