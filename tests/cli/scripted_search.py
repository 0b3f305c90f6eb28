"""A search that only pretends: fixed events, a fixed result, and a clock that a test sets."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from autokeras_lite.config import Budget, SearchOptions
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.explain import Explanation
from autokeras_lite.search.observer import Observer, Overview
from autokeras_lite.search.record import BestTrial, EnsembleSummary, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.search.trust import Trust
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import Cause, Cohort, EpochReport, TrainingConfig, TrialOutcome, TrialSpec

TASK = Task(TaskKind.BINARY, ("income",), "roc_auc", "maximize", ("<=50K", ">50K"))
FIVE_MINUTES = Budget(seconds=300.0)
CONFIG = {"depth": 3, "width": 256, "shape": "brick", "norm": "none", "activation": "relu", "residual": False}
STACK = [
    {"slot": "stem", "kind": "Conv2D", "settings": {"filters": 32, "kernel_size": 3}},
    {"slot": "norm", "kind": "BatchNormalization", "settings": {}},
    {"slot": "body", "residual": [{"slot": "conv", "kind": "Conv2D", "settings": {"filters": 64}}] * 2},
    {"slot": "views", "join": "add", "branches": [[{"slot": "a", "kind": "GRU", "settings": {"units": 8}}], []]},
    {"slot": "pool", "kind": "GlobalAveragePooling2D", "settings": {}},
]
BASELINES = (
    Baseline("constant", 0.5, 0.0),
    Baseline("linear", 0.9013, 1.2, note="fitted on 10,000 rows"),
    Baseline("gradient_boosting", 0.9201, 2.5),
)
SUMMARY = SearchSummary(
    name="adult",
    task="binary",
    metric="roc_auc",
    direction="maximize",
    best=BestTrial(
        trial=7,
        family="tabular_mlp",
        space="tabular_mlp",
        config={
            **CONFIG,
            "optimizer": "adamw",
            "learning_rate": 0.00213,
            "schedule": "cosine",
            "weight_decay": 0.0003,
            "batch_size": 256,
            "epochs": 60,
        },
        validation_score=0.9142,
        test_score=0.912,
    ),
    trials=TrialCounts(completed=24, pruned=12, failed=1),
    seconds=298.4,
    baselines={"constant": 0.5, "linear": 0.9013, "gradient_boosting": 0.9201},
    verdict="The best network (roc_auc 0.9142) is behind gradient boosting (0.9201): use that, or give the search "
    "more time.",
    artifact="/data/autokeras_lite_runs/adult/artifact",
    tracking=TrackingPlace("sqlite:////data/autokeras_lite_runs/mlflow.db", "1", "8f3a"),
    notes=("Column 'education-num' repeats 'education' and was dropped.", "52 rows stand twice."),
)
TRUSTED = replace(
    SUMMARY,
    ensemble=EnsembleSummary({"7": 0.6, "12": 0.4}, 0.9158, gain=0.0011, gain_error=0.0004, temperature=1.08),
    trust=Trust(
        metric="roc_auc",
        direction="maximize",
        trials=36,
        rows=6512,
        best=None,
        score=0.9158,
        corrected=0.9139,
        low=0.9068,
        high=0.921,
        level=0.9,
        equals=(3, 7, 12),
        smallest=3,
        fastest=None,
        default=1,
        default_score=0.9081,
        gain=0.0041,
        gain_error=0.0012,
        overtuned=False,
    ),
)


@dataclass
class SetClock:
    """Reads what it was set to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        """Return the present reading."""
        return self.seconds


def make_overview(budget: Budget = FIVE_MINUTES, task: Task = TASK) -> Overview:
    return Overview(
        "adult", task, 32561, 14, "20% of the rows held out", budget, ("tabular_mlp", "dense_stack"), 2, 1000.0
    )


def make_spec(number: int, *, family: str = "tabular_mlp", optimizer: str = "adamw") -> TrialSpec:
    config = {"stack": STACK} if family == "layer_stack" else CONFIG
    space = "image_stack" if family == "layer_stack" else family
    return TrialSpec(number, space, family, config, TrainingConfig(optimizer=optimizer), number, "tpe")


def make_cohort(number: int, trials: range, family: str = "tabular_mlp") -> Cohort:
    return Cohort(number, tuple(make_spec(trial, family=family) for trial in trials), batch_seed=0)


def make_report(cohort: Cohort, epoch: int, best: float) -> EpochReport:
    scores = {spec.number: best - 0.01 * lane for lane, spec in enumerate(cohort.specs)}
    return EpochReport(cohort.number, epoch, 60, scores, dict.fromkeys(scores, 0.4), 0.5)


def play(observer: Observer, pass_time: Callable[[float], None], until_epoch: int = 20) -> None:
    """Tell an observer the events of a small search; stops while the second cohort trains if `until_epoch` is less."""
    observer.note(SUMMARY.notes[0])
    observer.search_started(make_overview())
    pass_time(2)
    for baseline in BASELINES:
        observer.baseline_finished(baseline)
    first, second = make_cohort(1, range(1, 9)), make_cohort(2, range(9, 10), "layer_stack")
    observer.cohort_started(first)
    observer.cohort_started(second)
    for epoch in range(1, until_epoch + 1):
        pass_time(3)
        observer.epoch_finished(make_report(first, epoch, 0.91 - 0.2 * math.exp(-epoch / 4)))
        observer.epoch_finished(make_report(second, epoch, 0.89 - 0.3 * math.exp(-epoch / 6)))
    if until_epoch < 20:
        return
    for spec in first.specs:
        score = 0.9 + spec.number / 1000
        cause = Cause.PRUNED if spec.number > 5 else Cause.OK
        outcome = TrialOutcome(spec.number, cause, score, best_epoch=18, epochs=20, seconds=7.5, parameters=70_000)
        observer.trial_finished(spec, outcome, is_best=spec.number in (1, 2, 8))
    broken = TrialOutcome(9, Cause.OUT_OF_MEMORY_HOST, message="The cohort needs 12 GiB, 3 GiB are free.")
    observer.trial_finished(second.specs[0], broken, is_best=False)
    pass_time(40)
    for stage in ("refit", "artifact", "tracking"):
        observer.finishing(stage)


def make_board() -> pd.DataFrame:
    """Return a leaderboard of three trials, the last one failed."""
    return pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "trial": [2, 1, 3],
            "status": ["completed", "pruned", "failed"],
            "score": [0.9142, 0.9, math.nan],
            "family": ["tabular_mlp", "tabular_mlp", "layer_stack"],
            "space": ["tabular_mlp", "tabular_mlp", "dense_stack"],
            "origin": ["tpe", "default", "portfolio"],
            "best_epoch": [18, 7, 0],
            "epochs": [60, 8, 0],
            "seconds": [12.31, 2.5, 0.0],
            "parameters": [70123, 1200, 0],
            "cause": ["OK", "PRUNED", "OUT_OF_MEMORY_HOST"],
            "message": ["", "", "The cohort needs 12 GiB, 3 GiB are free."],
            "attempts": [1, 1, 1],
            "depth": [3, 2, math.nan],
            "activation": ["relu", "gelu", None],
            "stack.0.kind": [None, None, "Dense"],
            "optimizer": ["adamw", "adamw", "adamw"],
            "learning_rate": [0.00213, 0.001, 0.01],
        }
    )


def make_failures() -> pd.DataFrame:
    """Return trials that failed, one from each cause that there is."""
    messages = {
        Cause.DIVERGED: "The loss became NaN in epoch 3.",
        Cause.OUT_OF_MEMORY_HOST: "The cohort needs 12 GiB, 3 GiB are free.",
        Cause.OUT_OF_MEMORY_DEVICE: "ResourceExhaustedError: OOM when allocating tensor with shape[8192,4096] and type "
        "float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc",
        Cause.TIMEOUT: "It trained for 60 s, which is its limit.",
        Cause.SIGNAL: "Its process was ended by signal 11 (SIGSEGV).",
        Cause.EXCEPTION: "ValueError: a shape of (0, 3) came out",
        Cause.LOST: "",
    }
    folder = "/data/autokeras_lite_runs/adult/trials"
    rows = [
        (number, str(cause), message, 1 + number % 3, f"{folder}/{number:04d}/traceback.txt" if message else "")
        for number, (cause, message) in enumerate(messages.items(), start=4)
    ]
    rows.append((15, "TIMEOUT", "It trained for 60 s, which is its limit.", 1, f"{folder}/0015/traceback.txt"))
    return pd.DataFrame(rows[::-1], columns=["trial", "cause", "message", "attempts", "traceback"])


def make_explanation() -> Explanation:
    """Return three columns, of which one does harm, the hyperparameters of two spaces, and a note."""
    columns = [
        ("age", 0.0412, 0.0371, 0.0466, 5),
        ("work\nclass", 0.00212, 0.0009, 0.0031, 5),
        ("id", -1e-5, -3e-4, 2e-4, 5),
    ]
    parameters = [
        ("dense_stack", "body.dense.units", 1.0, 21),
        ("tabular_mlp", "learning_rate.adaptive", 0.734, 40),
        ("tabular_mlp", "dropout", 0.266, 12),
    ]
    return Explanation(
        pd.DataFrame(columns, columns=["column", "importance", "low", "high", "repeats"]),
        pd.DataFrame(parameters, columns=["space", "parameter", "importance", "trials"]),
        ("Columns were shuffled among 4,096 of the 6,512 rows, drawn at random.",),
    )


@dataclass
class ScriptedResult:
    """A result that predicts and scores what it was given."""

    folder: Path = Path("/data/autokeras_lite_runs/adult")
    summary: SearchSummary = SUMMARY
    board: pd.DataFrame = field(default_factory=make_board)
    failed: pd.DataFrame = field(default_factory=make_failures)
    explanation: Explanation = field(default_factory=make_explanation)
    asked: list[Any] = field(default_factory=list)

    def predict(self, data: Any) -> pd.DataFrame:
        self.asked.append(data)
        print("Keras says hello")  # what a library might do
        return pd.DataFrame({"income": [">50K", "<=50K", ">50K"]}, index=[7, 3, 5])

    def predict_proba(self, data: Any) -> pd.DataFrame:
        self.asked.append(data)
        return pd.DataFrame({"<=50K": [0.25, 0.75], ">50K": [0.75, 0.25]})

    def evaluate(self, data: Any) -> pd.DataFrame:
        self.asked.append(data)
        return pd.DataFrame({"metric": ["roc_auc", "log_loss", "f1"], "score": [0.912, 0.3, math.nan]})

    def explain(self, data: Any = None, *, seconds: float) -> Explanation:
        self.asked.append((data, seconds))
        print("Keras says hello")
        return self.explanation

    def report(self, output: str | Path | None = None) -> Path:
        self.asked.append(output)
        return Path("/data/autokeras_lite_runs/adult/report.html" if output is None else output)

    def leaderboard(self) -> pd.DataFrame:
        return self.board

    @property
    def trials(self) -> pd.DataFrame:
        return self.board.drop(columns="rank")

    def failures(self) -> pd.DataFrame:
        return self.failed


@dataclass
class ScriptedServer:
    """A server that ends at once, or is interrupted."""

    process: object | None = 1
    start_url: str = "http://127.0.0.1:5000/#/experiments/1/runs"
    best_url: str | None = "http://127.0.0.1:5000/#/compare-runs"
    interrupts: bool = False
    stops: int = 0

    def wait(self) -> None:
        if self.interrupts:
            raise KeyboardInterrupt

    def stop(self) -> None:
        self.stops += 1


@dataclass
class ScriptedFunctions:
    """What the commands call; `error` is raised by whichever is called, `calls` keeps what came."""

    result: ScriptedResult = field(default_factory=ScriptedResult)
    server: ScriptedServer = field(default_factory=ScriptedServer)
    error: BaseException | None = None
    device: str = "CPU"
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def search(
        self, data: str, target: list[str] | None, *, observer: Observer, **options: Unpack[SearchOptions]
    ) -> ScriptedResult:
        self._hear("search", data, target, options)
        print("a stray line of a library")
        play(observer, lambda seconds: None)
        return self.result

    def resume(self, folder: Path, *, observer: Observer) -> ScriptedResult:
        self._hear("resume", folder)
        print("a stray line of a library")
        play(observer, lambda seconds: None)
        return self.result

    def load(self, folder: Path) -> ScriptedResult:
        self._hear("load", folder)
        return self.result

    def trial_lines(self, folder: Path) -> list[str]:
        self._hear("trial_lines", folder)
        return ['{"trial": 1, "curves": {"loss": [0.5]}}', '{"trial": 2, "message": "\\u001b[31m"}']

    def serve_ui(
        self, runs_dir: str, *, port: int | None, tracking_uri: str | None, name: str | None
    ) -> ScriptedServer:
        self._hear("serve_ui", runs_dir, port, tracking_uri, name)
        return self.server

    def find_device(self) -> str:
        self._hear("find_device")
        return self.device

    def _hear(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error


BEST = SUMMARY.best
assert BEST is not None
TOO_SHORT = replace(
    SUMMARY,
    best=None,
    trials=TrialCounts(),
    seconds=9.2,
    verdict="No network was trained: gradient boosting (roc_auc 0.9201) is the best of the baselines. "
    "A network needs a --time-limit of about 45s on this machine.",
    artifact="",
)
INTERRUPTED = replace(SUMMARY, stopped="interrupted")
FAILED = replace(
    SUMMARY,
    stopped="failures",
    trials=TrialCounts(completed=3, failed=6),
    notes=("Stopped after 6 failures in a row with EXCEPTION: ValueError: no such layer", *SUMMARY.notes),
)


def with_score(score: float) -> ScriptedResult:
    """Return a result whose best validation score is this one."""
    return ScriptedResult(summary=replace(SUMMARY, best=replace(BEST, validation_score=score)))
