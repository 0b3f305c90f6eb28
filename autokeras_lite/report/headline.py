"""The top of the report: what won, by how much, and how far that can be believed."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.wording import count, show_number, show_seconds

_NETWORK, _ENSEMBLE, _EXPECTED = "best network", "ensemble", "expected on new rows"
_WARNING = "Warning:"
_STOPPED = {
    "interrupted": "The search was interrupted before its budget was spent: this is the result so far.",
    "failures": "The search stopped because too many trials in a row failed.",
    "unfinished": "The search has not ended: this is the result so far.",
}
# Where the worst and the best score stand on the scale, in percent of its width.
_FROM, _TO = 4.0, 96.0


@dataclass(frozen=True)
class ScoreLine:
    """One score on the common scale; places are in percent of its width, `None` where there is no score."""

    name: str
    score: str
    place: float | None
    low: float | None = None
    high: float | None = None
    difference: str = ""
    is_ours: bool = False


@dataclass(frozen=True)
class Fact:
    """A short answer under a short question; `note` says more."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """What stands on top; `score` is that of the final model on validation rows, `warnings` doubt it."""

    score: str
    metric: str
    better: str
    banner: str
    verdict: str
    warnings: tuple[str, ...]
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    lines: tuple[ScoreLine, ...]


def make_headline(facts: Facts) -> Headline:
    """Put together the top of the report."""
    summary = facts.summary
    told = () if summary.trust is None else summary.trust.sentences()
    return Headline(
        score=show_number(_final_score(facts)),
        metric=summary.metric,
        better="higher" if summary.direction == "maximize" else "lower",
        banner=_STOPPED.get(summary.stopped, ""),
        verdict=summary.verdict,
        warnings=(*_doubts(facts), *(sentence for sentence in told if sentence.startswith(_WARNING))),
        sentences=(*(sentence for sentence in told if not sentence.startswith(_WARNING)), *_fresh_scores(facts)),
        facts=tuple(_facts(facts)),
        lines=_score_lines(facts),
    )


def _doubts(facts: Facts) -> Iterator[str]:
    scored = len(facts.ranked)
    if facts.summary.trust is None and scored > 1:
        yield (
            f"The score is the best of {scored:,} on the same rows, so it is too good. By how much was not measured: "
            "the search ended before."
        )


def _fresh_scores(facts: Facts) -> Iterator[str]:
    finalists = facts.summary.finalists
    if finalists:
        scores = ", ".join(f"trial {number} {show_number(score)}" for number, score in finalists.items())
        yield f"The best trials were scored again on other divisions of the rows: {scores}."


def _final_score(facts: Facts) -> float | None:
    summary = facts.summary
    if summary.ensemble is not None:
        return summary.ensemble.validation_score
    if summary.best is not None:
        return summary.best.validation_score
    scores = [score for score in summary.baselines.values() if score is not None]
    return (max if summary.direction == "maximize" else min)(scores, default=None)


def describe_final_model(facts: Facts) -> str:
    """Say in a sentence what the final model is made of."""
    summary = facts.summary
    if summary.best is None:
        return "There is no model: no trial has come to a score."
    best = f"trial {summary.best.trial} of space {summary.best.space}"
    ensemble = summary.ensemble
    if ensemble is None:
        return f"The model is {best}, a network of the family {summary.best.family}."
    heated = "" if ensemble.temperature == 1.0 else f"; probabilities have the temperature {ensemble.temperature:.3g}"
    if len(ensemble.shares) == 1:
        return f"The model is {best}, calibrated{heated}."
    shares = ", ".join(f"{share:.0%} of trial {number}" for number, share in ensemble.shares.items())
    return (
        f"The model averages {len(ensemble.shares)} networks ({shares}). On rows that did not choose them that gains "
        f"{show_number(ensemble.gain)} ± {show_number(ensemble.gain_error)} over the best one{heated}."
    )


def _facts(facts: Facts) -> Iterator[Fact]:
    summary, trust = facts.summary, facts.summary.trust
    if trust is not None:
        span = f"{trust.level:.0%} interval {show_number(trust.low)} to {show_number(trust.high)}"
        yield Fact("Expected on new rows", show_number(trust.corrected), span)
    if summary.best is not None and summary.best.test_score is not None:
        yield Fact("On test rows", show_number(summary.best.test_score), "rows that no trial has seen")
    if trust is not None and trust.gain is not None and trust.default != trust.best:
        sign = "" if trust.gain < 0 else "+"
        error = "" if trust.gain_error is None else f"± {show_number(trust.gain_error)} (standard error)"
        yield Fact(
            "What searching bought", f"{sign}{show_number(trust.gain)}", f"over the default, {error}".rstrip(", ")
        )
    counts = asdict(summary.trials)
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
    yield Fact("Trials", f"{sum(counts.values()):,}", told)
    yield Fact("Time", show_seconds(summary.seconds), _rate(facts))


def _rate(facts: Facts) -> str:
    trained = sum(trial.outcome.seconds for trial in facts.trials)
    return f"{show_seconds(trained)} of training" if trained else ""


# --- scores on one scale ---------------------------------------------------------------------------------------------


def _score_lines(facts: Facts) -> tuple[ScoreLine, ...]:
    summary, trust = facts.summary, facts.summary.trust
    scores: dict[str, float | None] = {}
    if summary.ensemble is not None and len(summary.ensemble.shares) > 1:
        scores[f"{_ENSEMBLE} of {len(summary.ensemble.shares)}"] = summary.ensemble.validation_score
    if summary.best is not None:
        scores[_NETWORK] = summary.best.validation_score
    ours = set(scores)
    scores |= {name.replace("_", " "): score for name, score in summary.baselines.items()}
    known = [score for score in scores.values() if score is not None and math.isfinite(score)]
    ends = [*known, *((trust.low, trust.high) if trust is not None else ())]
    if not ends:
        return ()
    scale = _Scale(min(ends), max(ends))
    reference = _final_score(facts) if summary.best is not None else None
    sign = 1.0 if summary.direction == "maximize" else -1.0
    lines = [
        ScoreLine(name, show_number(score), scale.place(score), difference=_apart(score, reference, sign),
                  is_ours=name in ours)
        for name, score in sorted(scores.items(), key=lambda item: _order(item[1], sign))
    ]  # fmt: skip
    if trust is not None:
        low, high = scale.place(trust.low), scale.place(trust.high)
        span = f"{show_number(trust.low)} to {show_number(trust.high)}"
        lines.insert(
            0, ScoreLine(_EXPECTED, show_number(trust.corrected), scale.place(trust.corrected), low, high, span)
        )
    return tuple(lines)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def place(self, score: float | None) -> float | None:
        if score is None or not math.isfinite(score):
            return None
        if self.high == self.low:
            return 50.0
        return round(_FROM + (_TO - _FROM) * (score - self.low) / (self.high - self.low), 2)


def _order(score: float | None, sign: float) -> float:
    return math.inf if score is None or not math.isfinite(score) else -sign * score


def _apart(score: float | None, reference: float | None, sign: float) -> str:
    if score is None or reference is None or not math.isfinite(score):
        return ""
    ahead = sign * (score - reference)
    if ahead == 0:
        return "the result" if score == reference else ""
    return f"{show_number(abs(ahead))} {'better' if ahead > 0 else 'worse'}"


def describe_question(facts: Facts) -> str:
    """Say in a sentence what was asked."""
    targets = ", ".join(facts.task.targets) or "the target"
    rows = None if facts.profile is None else facts.profile.get("rows")
    of_rows = f" from {count(rows, 'row')}" if isinstance(rows, int) else ""
    return f"A search for the best network that predicts {targets} ({facts.summary.task}){of_rows}"
