"""What does a search look like? Makes the pictures and the printed blocks of the README from one real run.

Runs the search of the tour on a terminal of 80 columns, unless the folder holds it already, and then the commands that
follow it. Writes pictures to autokeras_lite/docs/pictures and the blocks between the markers `tour` of README.md and of
autokeras_lite/docs/index.md.

    python experiments/011_pictures/make_pictures.py FOLDER [--time-limit 2m] [--only terminal,report,ui,text]
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import browser
import terminal

from autokeras_lite.config import parse_duration

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "autokeras_lite" / "docs"
PICTURES = DOCS / "pictures"
NAME = "adult"
RUNS = "autokeras_lite_runs"
PROGRAM = str(Path(sys.executable).with_name("autokeras-lite"))
TEST = "experiments/data/adult_test.parquet"
_CUT = "\n  saved in "  # the picture has what follows: folders and the next commands
_LINES_OF_SCORES = 5
PARTS = ("terminal", "report", "ui", "text")
TOUR = re.compile(r"(<!-- tour: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def typed(time_limit: str) -> str:
    """Return the search of `make demo`, under the name of the tour."""
    demo = re.search(r"^demo:.*\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert demo is not None
    words = shlex.split(demo[1].replace("\\\n", " ").replace("$(BIN)/", ""))
    at = words.index("--name")
    words[at : at + 3] = []  # --name demo-$$(date +...): the tour's search has the name of its file
    words[words.index("--time-limit") + 1] = time_limit
    return shlex.join(words)


def run_search(folder: Path, time_limit: str) -> Path:
    """Run the search, unless it ran here, and return the recording of its terminal."""
    recording = folder / "recording.json"
    if recording.is_file():
        return recording
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "experiments").exists():
        (folder / "experiments").symlink_to(PROJECT / "experiments")
    words = shlex.split(typed(time_limit))
    terminal.record([PROGRAM, *words[1:]], folder, recording, seconds=3 * parse_duration(time_limit) + 60)
    (folder / "typed.txt").write_text(typed(time_limit))
    return recording


def printed(folder: Path, *words: str, log: int | None = None) -> str:
    """Return what a command prints to a pipe, with its log where that goes to the pipe too."""
    ended = subprocess.run([PROGRAM, *words], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True, check=True)
    return ended.stdout.rstrip()


def text_parts(folder: Path, summary: dict[str, Any]) -> dict[str, str]:
    """Return what stands between the markers of the documents, by the name of the part."""
    result = printed(folder, "resume", NAME, log=subprocess.DEVNULL).partition(_CUT)[0]
    table = printed(folder, "leaderboard", NAME, "--top", "3", log=subprocess.STDOUT)
    predicting = ("predict", NAME, TEST, "-o", "predictions.csv", "--proba", "--overwrite")
    wrote = printed(folder, *predicting, log=subprocess.STDOUT)
    scores = printed(folder, "evaluate", NAME, TEST, log=subprocess.STDOUT).splitlines()[:_LINES_OF_SCORES]
    return {
        "result": _block(f"{result}\n..."),
        "use": _block("\n".join([table, wrote, *scores, "..."])),
        **{f"picture-{name}": told for name, told in alternatives(summary).items()},
    }


def alternatives(summary: dict[str, Any]) -> dict[str, str]:
    """Return what is to be read in place of each picture."""
    metric, best = summary["metric"], summary["best"]
    baselines = ", ".join(f"{name.replace('_', ' ')} {score:.4f}" for name, score in summary["baselines"].items())
    trials = summary["trials"]
    counted = ", ".join(f"{number} {status}" for status, number in trials.items())
    return {
        "during": "A terminal during the search: the log, then the budget as a bar, the best score, the baselines, and "
        "the cohorts in training with their epochs and learning curves.",
        "end": f"A terminal when the search has ended: the best network reaches {metric} "
        f"{best['validation_score']:.4f}; {baselines}. Below stand what to expect on new rows, the score on test "
        f"rows, the model, its training, the trials ({counted}), where everything is saved, and the next commands.",
        "report": f"The report in a browser: the score {best['validation_score']:.4f}, what to expect on new rows, the "
        "score on test rows, what searching bought, and the baselines.",
        "figures": "Two figures of the report: the score of every trial with the best so far, and the learning curves "
        "of the best trials.",
        "ui": f"The MLflow UI with the trials of the search: on the left {sum(trials.values())} trials, on the right "
        "charts that compare them, among them parallel coordinates of settings and score.",
    }


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def renew(document: Path, parts: dict[str, str]) -> None:
    """Write the parts between the markers of a document anew."""
    text = document.read_text(encoding="utf-8")

    def made(found: re.Match[str]) -> str:
        name = found[2]
        content = parts[name]
        if name.startswith("picture-"):
            file = PICTURES / f"{name.removeprefix('picture-')}.png"
            target = file.relative_to(document.parent).as_posix()
            content = textwrap.fill(f"![{content}]({target})", 120, break_long_words=False, break_on_hyphens=False)
            content += "\n"
        return f"{found[1]}{content}{found[3]}"

    document.write_text(TOUR.sub(made, text), encoding="utf-8")


def make(folder: Path, time_limit: str, only: set[str]) -> None:
    """Run the search where it has not run, and make the parts that are asked for."""
    recording = run_search(folder, time_limit)
    search = folder / RUNS / NAME
    PICTURES.mkdir(exist_ok=True)
    with browser.opened() as chromium:
        if "terminal" in only:
            command = (folder / "typed.txt").read_text()
            during = terminal.screen_during(recording, 0.6)
            after = terminal.screen_at_the_end(recording)
            for name, lines in (("during", during), ("end", after)):
                shown = terminal.as_html(lines)
                browser.take_terminal(chromium, command, shown, terminal.WIDTH, PICTURES / f"{name}.png")
        if "report" in only:
            browser.take_report(chromium, search / "report.html", PICTURES / "report.png", PICTURES / "figures.png")
        if "ui" in only:
            with browser.served(PROGRAM, NAME, folder) as address:
                browser.take_comparison(chromium, address, PICTURES / "ui.png")
    if "text" in only:
        parts = text_parts(folder, json.loads((search / "summary.json").read_text(encoding="utf-8")))
        renew(PROJECT / "README.md", parts)
        renew(DOCS / "index.md", parts)


def main() -> None:
    """Read the command line, and make everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the search runs, or has run")
    parser.add_argument("--time-limit", default="2m")
    parser.add_argument("--only", default=",".join(PARTS), help="what is made, of: " + ", ".join(PARTS))
    asked = parser.parse_args()
    make(asked.folder.absolute(), asked.time_limit, set(asked.only.split(",")))


if __name__ == "__main__":
    main()
