"""The best model in the report: its networks, and its settings beside the defaults of their space."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autokeras_lite.artifact.files import MODEL_FILE
from autokeras_lite.artifact.latency import Latency, show_duration
from autokeras_lite.errors import ArtifactError, SpaceError
from autokeras_lite.report.architecture import Layer, read_networks
from autokeras_lite.report.drawing import LayerDrawing, draw_network
from autokeras_lite.report.facts import Facts, TrialFacts
from autokeras_lite.report.headline import Fact
from autokeras_lite.report.wording import count, show_bytes, show_number, show_seconds, show_value
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.leaderboard import flatten_config
from autokeras_lite.spaces.domain import Fixed
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace

_MOST_DRAWN_LAYERS = 120
_NOT_ACTIVE = "not used"


@dataclass(frozen=True)
class Setting:
    """A setting of the best trial beside the default of its space; `default` is `None` where that is not known."""

    name: str
    value: str
    default: str | None
    is_changed: bool


@dataclass(frozen=True)
class NetworkPicture:
    """A network of the model: its picture, unless it is too large for one, and its layers in words."""

    title: str
    drawing: LayerDrawing | None
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class BestModel:
    """What is told of the best model; `searched` are the settings that may vary, `fixed` the others."""

    facts: tuple[Fact, ...]
    networks: tuple[NetworkPicture, ...]
    searched: tuple[Setting, ...]
    fixed: tuple[Setting, ...]
    space: str
    note: str = ""

    @property
    def changes(self) -> str:
        """Say how many settings differ from their defaults."""
        changed = sum(setting.is_changed for setting in self.searched)
        if any(setting.default is None for setting in self.searched):
            return ""
        if not changed:
            return "All of it is as the space has it by default."
        return f"Of {count(len(self.searched), 'setting')} {changed} differ from the default, marked below."


def describe_best_model(facts: Facts) -> BestModel | None:
    """Put together what is known of the best model; `None` where there is none."""
    best = facts.summary.best
    trial = next((one for one in facts.trials if best is not None and one.number == best.trial), None)
    if best is None or trial is None:
        return None
    networks, note = _networks(facts)
    space = _find_space(facts, trial)
    searched, fixed = _settings(trial, space)
    if space is None:
        note = f"{note} The file of space {trial.spec.space} is gone or has changed: its defaults are not known."
    return BestModel(tuple(_facts(facts, trial)), networks, searched, fixed, trial.spec.space, note.strip())


def _facts(facts: Facts, trial: TrialFacts) -> Iterator[Fact]:
    outcome, spec = trial.outcome, trial.spec
    yield Fact("Trial", str(trial.number), f"{spec.family}, from {spec.origin.replace('_', ' ')}")
    yield Fact("Parameters", f"{outcome.parameters:,}", "that are learned, in one network")
    yield Fact("Validation score", show_number(outcome.score), _folds(trial))
    yield Fact("Epochs", f"{outcome.epochs:,}", f"the best was epoch {outcome.best_epoch:,}")
    yield Fact("Training time", show_seconds(outcome.seconds), outcome.device)
    size = _size(facts)
    if size is not None:
        yield Fact("Model file", show_bytes(size), _parity(facts.manifest))
    yield from _latency(facts.summary.latency)


def _latency(latency: Latency | None) -> Iterator[Fact]:
    if latency is None:
        return
    device = f"on {latency.device}" if latency.device else ""
    note = "at most: trials trained meanwhile" if latency.beside_training else ""
    yield Fact("One prediction", show_duration(latency.row_seconds), ", ".join(part for part in (device, note) if part))
    if latency.batch_rows > 1:
        yield Fact(f"{latency.batch_rows:,} predictions", show_duration(latency.batch_seconds), "in one batch")


def _folds(trial: TrialFacts) -> str:
    scores = trial.outcome.fold_scores
    if len(scores) < 2:
        return ""
    return f"mean of {count(len(scores), 'fold')}, {show_number(min(scores))} to {show_number(max(scores))}"


def _size(facts: Facts) -> int | None:
    with suppress(OSError):
        return (SearchFolder(facts.folder).artifact / MODEL_FILE).stat().st_size
    return None


def _parity(manifest: Mapping[str, Any] | None) -> str:
    if manifest is None:
        return ""
    training_rows = manifest.get("training_rows")
    again = ", trained again on all of them" if manifest.get("refit") is True else ""
    return f"learned from {count(training_rows, 'row')}{again}" if isinstance(training_rows, int) else ""


def _networks(facts: Facts) -> tuple[tuple[NetworkPicture, ...], str]:
    """Return the networks of the model, and why there are none."""
    file = SearchFolder(facts.folder).artifact / MODEL_FILE
    if not file.is_file():
        return (), "The model file is not there yet, so its layers are not shown."
    try:
        networks = read_networks(file)
    except ArtifactError as error:
        return (), str(error)
    titles = _titles(facts, len(networks))
    return tuple(
        NetworkPicture(
            title, draw_network(network) if len(network.layers) <= _MOST_DRAWN_LAYERS else None, network.layers
        )
        for title, network in zip(titles, networks, strict=True)
    ), ""


def _titles(facts: Facts, num_networks: int) -> list[str]:
    ensemble = facts.summary.ensemble
    if ensemble is not None and len(ensemble.shares) == num_networks > 1:
        shares = sorted(ensemble.shares.items(), key=lambda item: -item[1])
        return [f"Trial {number}, {share:.0%} of the prediction" for number, share in shares]
    best = facts.summary.best
    if num_networks == 1 and best is not None:
        return [f"The network of trial {best.trial}"]
    return [f"Network {number}" for number in range(1, num_networks + 1)]


# --- settings --------------------------------------------------------------------------------------------------------


def _find_space(facts: Facts, trial: TrialFacts) -> SearchSpace | None:
    asked = () if facts.config is None else facts.config.strategy.spaces
    name = trial.spec.space
    with suppress(SpaceError):
        return load_space(next((file for file in asked if Path(file).stem == name), name))
    return None


def _settings(trial: TrialFacts, space: SearchSpace | None) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
    """Return the settings that may vary, and the others."""
    if not trial.values or space is None:
        values = trial.values or {**flatten_config(trial.spec.config), **vars(trial.spec.training)}
        return tuple(Setting(name, show_value(value), None, is_changed=False) for name, value in values.items()), ()
    defaults = space.defaults()
    may_vary = {parameter.name for parameter in space.parameters if not isinstance(parameter.domain, Fixed)}
    made = {name: _setting(name, value, defaults, trial) for name, value in space.complete(trial.values).items()}
    return (
        tuple(setting for name, setting in made.items() if name in may_vary),
        tuple(setting for name, setting in made.items() if name not in may_vary),
    )


def _setting(name: str, value: Any, defaults: Mapping[str, Any], trial: TrialFacts) -> Setting:
    shown = show_value(value)
    if name == "batch_size" and value == 0:
        shown = f"by the number of rows: {trial.spec.training.batch_size:,}"
    is_same = name in defaults and defaults[name] == value
    default = show_value(defaults[name]) if name in defaults else _NOT_ACTIVE
    return Setting(name, shown, shown if is_same else default, is_changed=not is_same)
