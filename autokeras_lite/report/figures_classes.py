"""Pictures of how a classification judged the validation rows."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.figure import (
    BLUE,
    DASHES,
    GREY,
    MOST_POINTS,
    PALETTE,
    SHADES,
    Drawing,
    cut_text,
    plain_text,
    spread,
)
from autokeras_lite.report.outputs import (
    Outputs,
    Question,
    calibration_bins,
    precision_recall_curve,
    predicted_codes,
    questions,
    read_outputs,
    roc_curve,
)
from autokeras_lite.report.wording import count
from autokeras_lite.tasks.task import TaskKind

_MOST_CLASSES = 25
_MOST_NUMBERED = 12  # of more classes, counts are shown on touch only
_MOST_QUESTIONS = 5
_BINS = 10
_SURE = 1.645  # both ends of a 90 % interval, in standard deviations
_OTHER = "other classes"


# --- confusion -------------------------------------------------------------------------------------------------------


def draw_confusion(facts: Facts) -> Drawing | None:
    """Draw how often each class was taken for each other one."""
    outputs = read_outputs(facts)
    if outputs is None or outputs.kind not in (TaskKind.BINARY, TaskKind.MULTICLASS):
        return None
    names, counts = _confusion(outputs)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    ticks = {"tickvals": list(range(len(names))), "ticktext": [plain_text(name, 20) for name in names]}
    trace = {
        "type": "heatmap",
        "z": shares.tolist(),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [list(stop) for stop in SHADES],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "customdata": counts.tolist(),
        "hovertemplate": "actual %{y}<br>predicted %{x}<br>%{customdata} rows, %{z:.1%} of the class<extra></extra>",
    }
    is_small = len(names) <= _MOST_NUMBERED
    layout = {
        "height": 180 + max(160, min(620, 46 * len(names))),
        "xaxis": {"title": {"text": "predicted class"}, "showgrid": False, "zeroline": False, **ticks},
        "yaxis": {
            "title": {"text": "actual class"},
            "showgrid": False,
            "zeroline": False,
            "range": [len(names) - 0.5, -0.5],
            **ticks,
        },
        "annotations": _cell_texts(counts, shares) if is_small else [],
        "margin": {"t": 12},
    }
    return Drawing([trace], _tell_confusion(names, counts), layout)


def _confusion(outputs: Outputs) -> tuple[list[str], NDArray[np.int64]]:
    """Count rows by actual and predicted class; of very many classes the rare ones are one."""
    number, predicted = len(outputs.names), predicted_codes(outputs)
    counts = np.bincount(outputs.labels * number + predicted, minlength=number * number).reshape(number, number)
    if number <= _MOST_CLASSES:
        return list(outputs.names), counts
    common = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: _MOST_CLASSES - 1])
    group = np.full(number, _MOST_CLASSES - 1)
    group[common] = np.arange(len(common))
    merged = np.zeros((_MOST_CLASSES, _MOST_CLASSES), np.int64)
    np.add.at(merged, (group[:, None], group[None, :]), counts)
    return [*(outputs.names[code] for code in common), _OTHER], merged


def _cell_texts(counts: NDArray[np.int64], shares: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Write into the cells, into empty ones only of two classes; as annotations they have the letters of the theme."""
    return [
        {
            "x": column,
            "y": row,
            "text": f"{counts[row, column]:,}" + (f"<br>{shares[row, column]:.0%}" if len(counts) <= 6 else ""),
            "showarrow": False,
        }
        for row in range(len(counts))
        for column in range(len(counts))
        if counts[row, column] or len(counts) == 2
    ]


def _tell_confusion(names: list[str], counts: NDArray[np.int64]) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    told = f"{right:,} of {count(total, 'row')} ({right / total:.1%}) were put into the right class."
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return told
    actual, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    pair = f"{cut_text(names[actual])} taken for {cut_text(names[predicted])}"
    return f"{told} The commonest mistake is {pair}, {wrong[actual, predicted]:,} times."


# --- curves ----------------------------------------------------------------------------------------------------------


def draw_roc(facts: Facts) -> Drawing | None:
    """Draw the true positive rate against the false positive rate, for each class or target."""
    asked = _questions(facts)
    if not asked:
        return None
    curves = [roc_curve(question) for question in asked]
    traces = [_diagonal("as good as chance")]
    for place, (question, (false_rate, true_rate, area)) in enumerate(zip(asked, curves, strict=True)):
        kept = _kept(len(false_rate), len(asked))
        traces.append(_curve(place, f"{plain_text(question.name, 24)} ({area:.3f})", false_rate[kept], true_rate[kept]))
    layout = _square("false positive rate", "true positive rate")
    told = "; ".join(f"{cut_text(q.name)}: {area:.3f}" for q, (_, _, area) in zip(asked, curves, strict=True))
    return Drawing(traces, f"Area under the ROC curve: {told}.{_about_folds(facts)}", layout)


def draw_precision_recall(facts: Facts) -> Drawing | None:
    """Draw precision against recall, for each class or target."""
    asked = _questions(facts)
    if not asked:
        return None
    traces, told = [], []
    for place, question in enumerate(asked):
        recall, precision, average = precision_recall_curve(question)
        kept = _kept(len(recall), len(asked))
        x, y = np.append(0.0, recall[kept]), np.append(precision[kept][0], precision[kept])
        trace = _curve(place, f"{plain_text(question.name, 24)} ({average:.3f})", x, y)
        traces.append({**trace, "line": {**trace["line"], "shape": "vh"}})
        share = question.truth.mean()
        told.append(f"{cut_text(question.name)}: {average:.3f} (chance {share:.3f})")
    if len(asked) == 1:
        share = float(asked[0].truth.mean())
        traces.insert(0, {**_diagonal("as good as chance"), "x": [0, 1], "y": [share, share]})
    told_of_all = f"Average precision: {'; '.join(told)}.{_about_folds(facts)}"
    return Drawing(traces, told_of_all, _square("recall", "precision"))


def _about_folds(facts: Facts) -> str:
    frame = facts.predictions
    if frame is None or "fold" not in frame or frame["fold"].nunique() < 2:
        return ""
    return " All folds are taken together here; a score of the search is the mean over folds, so it may differ."


def _questions(facts: Facts) -> list[Question]:
    outputs = read_outputs(facts)
    return [] if outputs is None else questions(outputs, _MOST_QUESTIONS)


def _kept(number: int, curves: int) -> list[int]:
    return spread(number, MOST_POINTS // (curves + 1))


def _curve(place: int, name: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x.round(5).tolist(),
        "y": y.round(5).tolist(),
        "line": {"color": PALETTE[place % len(PALETTE)], "dash": DASHES[place % len(DASHES)], "width": 2},
        "hovertemplate": "%{y:.3f} at %{x:.3f}<extra>%{fullData.name}</extra>",
    }


def _diagonal(name: str) -> dict[str, Any]:
    line = {"color": GREY, "dash": "dot", "width": 1.5}
    return {"type": "scatter", "mode": "lines", "name": name, "x": [0, 1], "y": [0, 1], "line": line}


def _square(x: str, y: str) -> dict[str, Any]:
    return {
        "height": 460,
        "xaxis": {"title": {"text": x}, "range": [-0.01, 1.01]},
        "yaxis": {"title": {"text": y}, "range": [-0.01, 1.03]},
        "showlegend": True,
    }


# --- calibration -----------------------------------------------------------------------------------------------------


def draw_calibration(facts: Facts) -> Drawing | None:
    """Draw how often what was given a probability came true, with 90 % intervals."""
    outputs = read_outputs(facts)
    if outputs is None or outputs.kind is TaskKind.REGRESSION:
        return None
    probability, truth, what = _claims(outputs)
    bins = calibration_bins(probability, truth, _BINS)
    ends = [_wilson(share, rows) for _, share, rows in bins]
    shares = [share for _, share, _ in bins]
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "validation rows",
        "x": [round(mean, 5) for mean, _, _ in bins],
        "y": [round(share, 5) for share in shares],
        "error_y": {
            "type": "data",
            "array": [max(0.0, high - share) for share, (_, high) in zip(shares, ends, strict=True)],
            "arrayminus": [max(0.0, share - low) for share, (low, _) in zip(shares, ends, strict=True)],
            "color": GREY,
            "thickness": 1.5,
        },
        "line": {"color": BLUE, "width": 2},
        "marker": {"size": 8, "color": BLUE},
        "customdata": [rows for _, _, rows in bins],
        "hovertemplate": "given %{x:.1%}, came true %{y:.1%}<br>%{customdata} rows<extra></extra>",
    }
    error = sum(abs(mean - share) * rows for mean, share, rows in bins) / sum(rows for _, _, rows in bins)
    layout = _square(f"probability of {what}", "share that was true")
    told = f"Probabilities are {error:.1%} away from what came true, on average over {count(len(bins), 'bin')}."
    return Drawing([_diagonal("perfect"), trace], told, layout)


def _claims(outputs: Outputs) -> tuple[NDArray[np.float64], NDArray[np.bool_], str]:
    """Return the probabilities that were given and whether what they were given for was true."""
    if outputs.kind is TaskKind.BINARY:
        return outputs.given[:, 1], outputs.labels == 1, plain_text(outputs.names[1], 24)
    if outputs.kind is TaskKind.MULTICLASS:
        return outputs.given.max(axis=1), predicted_codes(outputs) == outputs.labels, "the class"
    return outputs.given.ravel(), outputs.labels.astype(bool).ravel(), "a target"


def _wilson(share: float, rows: int) -> tuple[float, float]:
    """Return a 90 % interval of a share (Wilson 1927, "Probable inference", equation 1)."""
    square = _SURE**2 / rows
    middle, half = share + square / 2, _SURE * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return (middle - half) / (1 + square), (middle + half) / (1 + square)
