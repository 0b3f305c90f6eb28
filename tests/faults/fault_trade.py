"""A trade whose trials train in milliseconds, leave the files of real ones, and misbehave when they are told to.

A trial is a linear model of the encoded numbers: its weights wander from epoch to epoch in a way that its config, its
seed and the epoch decide, whatever else trains beside it. So an attempt that is repeated comes to the same score, and
one that goes on from a checkpoint does so only if the checkpoint is right.

`deeds.json` in the runs folder says how long an epoch takes and what which trial does; see `Deeds`.
"""

import ctypes
import errno
import json
import os
import shutil
import signal
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import numpy as np

from autokeras_lite.artifact.files import MANIFEST_FILE, sha256
from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.data.arrays import EncodedData, EncodedFold
from autokeras_lite.durable import disk_faults, sync
from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter, failed
from autokeras_lite.execution.trade import Trade
from autokeras_lite.training.checkpoint import Checkpoints
from autokeras_lite.trial import Cause, Curve, EpochReport, TrialOutcome, TrialSpec

FAULT_TRADE = Trade(preload="fault_trade", train="fault_trade:train")
DEEDS_FILE = "deeds.json"
ATTEMPTS_FILE = "attempts.jsonl"
MODEL_FILE = "model.npz"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Deeds:
    """What the trials do. A deed is done by the cohorts that the trial is in, `times` times, in epoch `epoch`."""

    epoch_seconds: float = 0.0
    checkpoint_seconds: float = 0.01
    deeds: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def write(self, runs_dir: Path) -> None:
        (runs_dir / DEEDS_FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, runs_dir: Path) -> "Deeds":
        return cls(**json.loads((runs_dir / DEEDS_FILE).read_text()))


@dataclass
class Lane:
    """A trial on one fold."""

    spec: TrialSpec
    fold: int
    weights: np.ndarray
    best_weights: np.ndarray
    best_score: float = float("-inf")
    best_epoch: int = 0
    scores: list[float] = field(default_factory=list)


# Training ------------------------------------------------------------------------------------------------------------


def train(job: CohortJob, free_bytes: int, report: Reporter) -> CohortResult:
    runs_dir = next(parent for parent in job.trials_folder.parents if (parent / DEEDS_FILE).exists())
    deeds, data, cohort = Deeds.read(runs_dir), EncodedData.open(job.data_folder), job.cohort
    lanes = [new_lane(spec, fold, data.folds[fold]) for spec in cohort.specs for fold in cohort.folds]
    checkpoints = Checkpoints(job.checkpoint_folder, cohort, deeds.checkpoint_seconds)
    first = take_up(lanes, checkpoints)
    note_attempt(runs_dir, job, first)
    running, causes = list(lanes), dict[int, Cause]()
    total = cohort.stop_after or cohort.specs[0].training.epochs
    for epoch in range(first + 1, total + 1):
        if misbehave(runs_dir, job, deeds, epoch) is Cause.OUT_OF_MEMORY_DEVICE:
            return failed(job, Cause.OUT_OF_MEMORY_DEVICE, "ResourceExhaustedError: the GPU is full")
        time.sleep(deeds.epoch_seconds)
        for lane in running:
            step(lane, epoch, data, is_fixed=cohort.stop_after is not None)
        rung = cohort.rungs.index(epoch) if epoch in cohort.rungs else None
        standing = scores_of(running)
        answer = report(EpochReport(cohort.number, epoch, total, standing, standing, 0.001 * epoch, rung))
        causes |= dict.fromkeys(answer.prune, Cause.PRUNED)
        running = [lane for lane in running if lane.spec.number not in causes]
        if answer.cancel:
            causes |= {lane.spec.number: Cause.CANCELLED for lane in running}
            break
        if not running:
            break
        if checkpoints.is_due and not causes:
            write_checkpoint(lanes, checkpoints, epoch)
    return CohortResult(cohort, tuple(leave(spec, lanes, causes, job, deeds) for spec in cohort.specs))


def new_lane(spec: TrialSpec, fold: int, data: EncodedFold) -> Lane:
    width = data.inputs["numbers"].shape[1]
    start = np.random.default_rng(spec.seed).normal(size=width)
    return Lane(spec, fold, start, start)


def step(lane: Lane, epoch: int, data: EncodedData, *, is_fixed: bool) -> None:
    fold = data.folds[lane.fold]
    rows, labels = fold.train_rows, np.asarray(data.labels)
    numbers = np.asarray(fold.inputs["numbers"])
    is_one = labels[rows] == 1
    direction = numbers[rows][is_one].mean(axis=0) - numbers[rows][~is_one].mean(axis=0)
    quality = zlib.crc32(json.dumps(dict(lane.spec.config), sort_keys=True).encode()) / 2**32
    noise = np.random.default_rng([lane.spec.seed, epoch]).normal(size=len(direction))
    lane.weights = 0.8 * lane.weights + 0.2 * (quality * direction + (1 - quality) * noise)
    score = roc_auc(labels[fold.validation_rows], numbers[fold.validation_rows] @ lane.weights)
    lane.scores.append(score)
    if score > lane.best_score or is_fixed:
        lane.best_score, lane.best_epoch, lane.best_weights = score, epoch, lane.weights


def roc_auc(labels: np.ndarray, predictions: np.ndarray) -> float:
    ones, zeros = predictions[labels == 1], predictions[labels == 0]
    return float(np.mean((ones[:, None] > zeros[None, :]) + 0.5 * (ones[:, None] == zeros[None, :])))


def scores_of(lanes: list[Lane]) -> dict[int, float]:
    numbers = dict.fromkeys(lane.spec.number for lane in lanes)
    return {n: float(np.mean([lane.best_score for lane in lanes if lane.spec.number == n])) for n in numbers}


def write_checkpoint(lanes: list[Lane], checkpoints: Checkpoints, epoch: int) -> None:
    values = {"lanes": [[lane.best_score, lane.best_epoch, lane.scores] for lane in lanes]}
    arrays = [(f"lane-{i}/{n}", getattr(lane, n)) for i, lane in enumerate(lanes) for n in ("weights", "best_weights")]
    checkpoints.write(epoch, values, arrays)


def take_up(lanes: list[Lane], checkpoints: Checkpoints) -> int:
    """Take up the newest checkpoint; return the epoch that it was written after."""
    for checkpoint in checkpoints.read():
        for index, (lane, noted) in enumerate(zip(lanes, checkpoint.values["lanes"], strict=True)):
            lane.best_score, lane.best_epoch, lane.scores = noted
            arrays = checkpoint.part(f"lane-{index}")
            lane.weights, lane.best_weights = arrays["weights"], arrays["best_weights"]
        return checkpoint.epoch
    return 0


def leave(
    spec: TrialSpec, lanes: list[Lane], causes: Mapping[int, Cause], job: CohortJob, deeds: Deeds
) -> TrialOutcome:
    own = [lane for lane in lanes if lane.spec.number == spec.number]
    if deeds.deeds.get(str(spec.number), {}).get("deed") in DIVERGING:
        return TrialOutcome(spec.number, Cause.DIVERGED, epochs=1, message="No finite score: the loss was nan.")
    folder, data = job.trials_folder / f"{spec.number:04d}", EncodedData.open(job.data_folder)
    folder.mkdir(parents=True, exist_ok=True)
    predictions = {}
    for lane in own:
        fold = data.folds[lane.fold]
        write_arrays(folder / f"weights-{lane.fold}.npz", {"weights": lane.best_weights})
        units = np.asarray(fold.inputs["numbers"])[fold.validation_rows] @ lane.best_weights
        predictions[f"fold-{lane.fold}"] = (1 / (1 + np.exp(-units)))[:, None]
    write_arrays(folder / "predictions.npz", predictions)
    return TrialOutcome(
        spec.number,
        causes.get(spec.number, Cause.OK),
        score=float(np.mean([lane.best_score for lane in own])),
        fold_scores=tuple(lane.best_score for lane in own),
        best_epoch=round(float(np.mean([lane.best_epoch for lane in own]))),
        epochs=len(own[0].scores),
        curve=Curve(score=tuple(own[0].scores)),
        seconds=0.01,
        parameters=len(own[0].weights),
        lanes=len(lanes),
        device="CPU",
    )


def write_arrays(path: Path, named: Mapping[str, np.ndarray]) -> None:
    with disk_faults(path):
        with path.open("wb") as file:
            np.savez(file, **named)
        sync(path)


def note_attempt(runs_dir: Path, job: CohortJob, from_epoch: int) -> None:
    noted = {
        "cohort": job.cohort.number,
        "trials": [spec.number for spec in job.cohort.specs],
        "from_epoch": from_epoch,
        "pid": os.getpid(),
    }
    append_line(runs_dir / ATTEMPTS_FILE, noted)


def append_line(path: Path, values: Mapping[str, object]) -> None:
    """Append a line whole or not at all, since the disk may be full."""
    line = json.dumps(values).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        num_written = os.write(descriptor, line)
        if num_written < len(line):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - num_written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


# Misbehaving ---------------------------------------------------------------------------------------------------------


def misbehave(runs_dir: Path, job: CohortJob, deeds: Deeds, epoch: int) -> Cause | None:
    for spec in job.cohort.specs:
        told = deeds.deeds.get(str(spec.number))
        if told is None or told["deed"] in DIVERGING or told.get("epoch", 2) != epoch:
            continue
        done = runs_dir / f"deeds-done-{spec.number}"
        append_line(done, {"deed": told["deed"]})
        if len(done.read_bytes().splitlines()) <= told.get("times", 1_000_000):
            return DEEDS[str(told["deed"])]()
    return None


def raise_error() -> None:
    raise ValueError("this trial is wrong\nin two lines")


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def leave_process() -> None:
    os._exit(3)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.01)


def hog_fast() -> None:
    kept = []
    while True:
        kept.append(np.ones(200 * MEGABYTE, np.uint8))


def hog_slowly() -> None:
    """Take memory past the soft limit, as what is not `malloc` may do."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (resource.getrlimit(resource.RLIMIT_DATA)[1],) * 2)
    kept = []
    while sum(map(len, kept)) < 2048 * MEGABYTE:
        kept.append(np.ones(4 * MEGABYTE, np.uint8))
        time.sleep(0.005)


def fill_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run_out_of_device_memory() -> Cause:
    """Come to the verdict that TensorFlow's own error leads to beside a GPU."""
    return Cause.OUT_OF_MEMORY_DEVICE


DIVERGING = ("nan",)
DEEDS: Mapping[str, Callable[[], Cause | None]] = {
    "raise": raise_error,
    "segfault": segfault,
    "abort": abort,
    "exit": leave_process,
    "killed": be_killed,
    "hang": hang,
    "hog fast": hog_fast,
    "hog slowly": hog_slowly,
    "disk full": fill_disk,
    "device memory": run_out_of_device_memory,
}


# The model file ------------------------------------------------------------------------------------------------------


def make_artifact(request: ArtifactRequest) -> Manifest:
    """Make a small model file in the way of the real one: everything beside the folder, synced, then renamed."""
    folder = request.folder
    beside = folder.with_name(f".{folder.name}.{uuid4().hex}")
    beside.mkdir(parents=True)
    try:
        judged = request.predictions[request.predictions["fold"] == 0]
        weights = np.stack([read_weights(member.file) for member in request.weights])
        shares = np.array([member.share for member in request.manifest.mixture])
        model = {
            "weights": weights,
            "shares": shares,
            "rows": judged["row"].to_numpy(),
            "labels": labels_of(judged, request.manifest),
        }
        write_arrays(beside / MODEL_FILE, model)
        manifest = replace(request.manifest, model_sha256=sha256(beside / MODEL_FILE))
        (beside / MANIFEST_FILE).write_text(json.dumps(manifest.to_json()))
        sync(beside / MANIFEST_FILE)
        earlier = beside.with_name(f"{beside.name}.earlier")
        if folder.exists():
            folder.rename(earlier)
        beside.rename(folder)
        sync(folder.parent)
        shutil.rmtree(earlier, ignore_errors=True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def read_weights(file: Path) -> np.ndarray:
    with np.load(file, allow_pickle=False) as stored:
        return stored["weights"]


def labels_of(judged, manifest: Manifest) -> np.ndarray:
    classes = list(manifest.task.classes)
    return np.array([classes.index(value) for value in judged[f"actual.{manifest.task.targets[0]}"]])
