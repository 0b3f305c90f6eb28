"""The five policies: what each gives to `autokeras-lite search`, and where the model lies that it ends with."""

import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from job import Job

from autokeras_lite.spaces.listing import shipped_file

PROGRAM = str(Path(sys.executable).with_name("autokeras-lite"))
SPACES = ("tabular_tabm", "tabular_realmlp", "tabular_mlp")  # those that a search of a table starts from
SCREEN_SHARE, FINALISTS = 0.3, 3
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """The folder of a finished search, and what it tells of itself."""

    folder: Path
    summary: Values


def portfolio_then_tpe(job: Job) -> Found:
    """Search as everybody does: the ready configurations of each space, then what TPE proposes."""
    return _search(job, "search", job.seconds)


def portfolio_only(job: Job) -> Found:
    """Try the ready configurations and end."""
    starts = sum(1 + len(_read(name).get("portfolio", ())) for name in SPACES)
    return _search(job, "search", job.seconds, "--trials", str(starts))


def tpe_only(job: Job) -> Found:
    """Begin with the default of each space, then ask TPE."""
    return _search(job, "search", job.seconds, *_files(job, "bare", _without_portfolio))


def random_only(job: Job) -> Found:
    """Begin with the default of each space, then draw at random."""
    return _search(job, "search", job.seconds, "--sampler", "random", *_files(job, "bare", _without_portfolio))


def screen_then_three(job: Job) -> Found:
    """Train random configurations for one epoch in 30 % of the time, then the best three of them to their end."""
    screen = _files(job, "screen", lambda name: _without_portfolio(name, epochs=1))
    seconds = SCREEN_SHARE * job.seconds
    screened = _search(job, "screen", seconds, "--sampler", "random", "--ensemble", "off", *screen)
    files = [_fixed(job, number, spec) for number, spec in enumerate(_best_of(screened), start=1)]
    words = [word for file in files for word in ("--space", file)]
    trials = ["--trials", str(len(files))] if files else []  # no trial was over in time: as everybody searches
    left = job.started + job.seconds - time.monotonic()
    return _search(job, "search", left, *trials, *words)


POLICIES: Mapping[str, Callable[[Job], Found]] = MappingProxyType(
    {
        "portfolio, then TPE": portfolio_then_tpe,
        "portfolio only": portfolio_only,
        "TPE only": tpe_only,
        "random only": random_only,
        "one epoch, then three": screen_then_three,
    }
)


def _search(job: Job, name: str, seconds: float, *more: str) -> Found:
    runs = Path(job.folder, "runs")
    printed = run(
        "search", job.train, "--target", job.target, "--task", job.task, "--metric", job.metric, "--json", "--quiet",
        "--time-limit", f"{seconds:.1f}s", "--seed", str(job.seed), "--runs-dir", str(runs), "--name", name, *more,
    )  # fmt: skip
    return Found(runs / name, json.loads(printed))


def run(*words: str) -> str:
    """Run a command of the program and return what it prints; end this process where it fails."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"autokeras-lite {words[0]} ended with {done.returncode}: {done.stderr[-600:]}")
    return done.stdout


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(shipped_file(name).read_text(encoding="utf-8"))


def _without_portfolio(name: str, epochs: int | None = None) -> str:
    text = shipped_file(name).read_text(encoding="utf-8").partition("[[portfolio]]")[0]
    lines = text.splitlines()
    if epochs is not None:
        lines = [f"epochs = {epochs}" if line.split("=")[0].strip() == "epochs" else line for line in lines]
    return "\n".join(lines) + "\n"


def _files(job: Job, kind: str, make: Callable[[str], str]) -> list[str]:
    words = []
    for name in SPACES:
        file = Path(job.folder, f"{kind}_{name}.toml")
        file.write_text(make(name), encoding="utf-8")
        words += ["--space", str(file)]
    return words


def _best_of(found: Found) -> list[Values]:
    """Return the specs of the trials that did best, the best first."""
    ended = [json.loads(file.read_text()) for file in sorted(found.folder.glob("trials/*/result.json"))]
    scored = [one for one in ended if one["outcome"]["score"] is not None]
    sign = -1.0 if found.summary["direction"] == "maximize" else 1.0
    scored.sort(key=lambda one: sign * one["outcome"]["score"])
    return [one["spec"] for one in scored[:FINALISTS]]


def _fixed(job: Job, number: int, spec: Values) -> str:
    """Write a space of a single configuration, that of a trial, with the epochs of its space; return its path."""
    name = spec["space"].removeprefix("screen_")
    form = _read(name)
    epochs = form["parameters"]["epochs"]
    values = {**spec["config"], **spec["training"], "epochs": epochs["default"] if isinstance(epochs, dict) else epochs}
    kept = {key: values[key] for key in form["parameters"] if values.get(key) is not None}
    lines = [f'family = "{form["family"]}"', f'summary = "one configuration of {name}"', 'accepts = ["table"]']
    lines += ["", "[parameters]", *(f"{key} = {json.dumps(value)}" for key, value in kept.items())]
    file = Path(job.folder, f"finalist_{number}.toml")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)
