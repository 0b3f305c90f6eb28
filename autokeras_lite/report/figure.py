"""What every picture has in common: its description, its colours, its escaping, its limits."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.wording import one_line, shortened

if TYPE_CHECKING:
    import plotly.graph_objects

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

# After Okabe and Ito ("Color Universal Design", 2008), each shade moved so far that its contrast is 3 to 1 or more on a
# white and on a nearly black page (WCAG 2.2, 1.4.11); so a page can change its theme without new pictures.
BLUE, ORANGE, GREEN, PURPLE, AMBER, GREY = "#3b82c4", "#d55e00", "#009e73", "#b25fa6", "#a97800", "#808488"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, AMBER, GREY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
# From little to much, of the same lightness all the way, so that both ends are seen on both pages.
SCALE = ((0.0, "#9a8a78"), (0.5, "#5b8bb0"), (1.0, "#1f7fd6"))
# Lies over the page, so that the letters of either theme can be read on it.
SHADES = ((0.0, "rgba(59,130,196,0.03)"), (1.0, "rgba(59,130,196,0.70)"))

MOST_POINTS = 2000
MOST_LETTERS = 40

# What plotly takes for markup, and what MathJax takes for a formula where a notebook has loaded it.
_MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
_LOOKALIKES = {"<": "\u2039", ">": "\u203a", "$": "\uff04"}


@dataclass(frozen=True)
class AxisFilter:
    """What a person may keep of one axis of parallel lines: texts, each with the least and greatest place it keeps."""

    name: str
    options: Sequence[tuple[str, float, float]]


@dataclass(frozen=True)
class Drawing:
    """A picture in plain values: `traces` and `layout` as plotly has them, and what it shows in a sentence or two.

    `filters` has one for each axis of parallel lines, for whoever cannot drag along them.
    """

    traces: Sequence[Mapping[str, Any]]
    alternative: str
    layout: Mapping[str, Any] = field(default_factory=dict)
    filters: Sequence[AxisFilter] = ()


@dataclass(frozen=True)
class Figure:
    """One kind of picture.

    `explanation` says in a sentence how to read it, `needs` what a search must have for it. `sketch` makes it in plain
    values, `None` where it does not apply.
    """

    name: str
    title: str
    explanation: str
    needs: str
    sketch: Callable[[Facts], Drawing | None]

    def draw(self, facts: Facts, theme: Theme = "light") -> "plotly.graph_objects.Figure | None":
        """Draw it without a title, `None` where it does not apply; `layout.meta["alternative"]` says what it shows."""
        drawing = self.sketch(facts)
        if drawing is None:
            return None
        import plotly.graph_objects as go  # takes most of a second to load

        meta = {"name": self.name, "alternative": drawing.alternative}
        layout = {**drawing.layout, "template": make_template(theme), "meta": meta}
        return go.Figure({"data": list(drawing.traces), "layout": layout})

    def alternative(self, facts: Facts) -> str:
        """Say what it shows, for whoever does not see it; empty where it does not apply."""
        drawing = self.sketch(facts)
        return "" if drawing is None else drawing.alternative


def make_template(theme: Theme) -> dict[str, Any]:
    """Return what differs between themes, and what all pictures share, as a plotly template in plain values."""
    letters, lines, box = ("#1d2126", "#d5d9de", "#ffffff") if theme == "light" else ("#eceff3", "#3c434c", "#22272e")
    axis = {
        "gridcolor": lines,
        "linecolor": lines,
        "zerolinecolor": lines,
        "automargin": True,
        "title": {"standoff": 8},
    }
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": letters, "family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13},
            "colorway": list(PALETTE),
            "hoverlabel": {"bgcolor": box, "bordercolor": lines, "font": {"color": letters}, "align": "left"},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
            "margin": {"l": 56, "r": 16, "t": 40, "b": 48},
            "xaxis": axis,
            "yaxis": axis,
            "hovermode": "closest",
        }
    }


def plain_text(value: object, length: int = MOST_LETTERS) -> str:
    r"""Write a value from data so that plotly shows it letter by letter, and cut it where it is long.

    Example:
        >>> plain_text("<b>a</b>\n& $x$")
        '&lt;b&gt;a&lt;/b&gt; &amp; &#36;x&#36;'
    """
    return "".join(_MARKS.get(letter, letter) for letter in cut_text(value, length))


def unmarked_text(value: object, length: int = MOST_LETTERS) -> str:
    r"""Write a value for the ticks of parallel coordinates, where plotly decodes nothing: marks become look-alikes.

    Example:
        >>> unmarked_text("<b>") == "\u2039b\u203a"
        True
    """
    return "".join(_LOOKALIKES.get(letter, letter) for letter in cut_text(value, length))


def cut_text(value: object, length: int = MOST_LETTERS) -> str:
    r"""Write a value from data in one line of so many letters at most; for a page it is still to be escaped.

    Example:
        >>> cut_text("a\nlong name", length=8)
        'a long …'
    """
    return shortened(one_line(str(value)), length)


def cut_name(name: str, length: int = MOST_LETTERS) -> str:
    """Return a dotted name without what cannot be printed, cut in front: its last parts tell it from others.

    Example:
        >>> cut_name("body.convolution.unit.norm.kind", 16)
        '…unit.norm.kind'
    """
    text = cut_text(name, 10 * MOST_LETTERS)
    if len(text) <= length or "." not in text:
        return cut_text(text, length)
    ends = [text[place + 1 :] for place, letter in enumerate(text) if letter == "."]
    return next((f"…{end}" for end in ends if len(end) < length), f"…{text[1 - length :]}")


def space_colors(facts: Facts) -> dict[str, str]:
    """Return a colour for each space of a search, the same in every picture."""
    names = sorted({trial.spec.space for trial in facts.trials})
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(names)}


def finite(values: Iterable[Any]) -> list[float | None]:
    """Return numbers that plotly can place; what is none, or not finite, becomes a gap."""
    numbers = [None if value is None else float(value) for value in values]
    return [number if number is not None and math.isfinite(number) else None for number in numbers]


def spread(number: int, most: int) -> list[int]:
    """Return at most `most` places out of `number`, evenly spread, with the first and the last.

    Example:
        >>> spread(10, 4), spread(3, 4)
        ([0, 3, 6, 9], [0, 1, 2])
    """
    if number <= most:
        return list(range(number))
    return sorted({round(place * (number - 1) / max(1, most - 1)) for place in range(most)})


def panel(index: int, number: int, columns: int, *, gap: tuple[float, float] = (0.1, 0.16)) -> dict[str, Any]:
    """Return where panel `index` of `number` stands, in rows from the top: axis names, and domains as shares of 1.

    `gap` is the room between columns and between rows. The keys are `x` and `y` (as traces name the axes), `xaxis`
    and `yaxis` (as layouts do), and `x_domain` and `y_domain`.
    """
    columns = min(columns, number)
    rows = math.ceil(number / columns)
    row, column = divmod(index, columns)
    beside, below = gap[0], min(gap[1], 0.5 / rows)
    wide, high = (1 - beside * (columns - 1)) / columns, (1 - below * (rows - 1)) / rows
    left, top = column * (wide + beside), 1 - row * (high + below)
    suffix = "" if index == 0 else str(index + 1)
    return {
        "x": f"x{suffix}",
        "y": f"y{suffix}",
        "xaxis": f"xaxis{suffix}",
        "yaxis": f"yaxis{suffix}",
        "x_domain": [left, left + wide],
        "y_domain": [max(0.0, top - high), top],
    }
