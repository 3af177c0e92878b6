"""Charts: a checked specification in the loop, drawn with matplotlib when somebody wants to see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from scenarios.core.types import Json
from scenarios.library.data_analysis import queries
from scenarios.library.data_analysis.engine import engine
from scenarios.library.data_analysis.views import BadRequest, View, column_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("bar", "line", "histogram", "scatter", "box")
MOST_MARKS = 5_000
"""Rows that a chart of single values may show."""
MOST_GROUPS = 60
BINS = 20

Point = tuple[Json, Json]


@dataclass(frozen=True, slots=True)
class Summary:
    """What `aggregate_data` gave: a figure per group, in order."""

    view: View
    group: str
    figure: str
    by_time: bool
    groups: tuple[tuple[str | float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as data. points: (x, y) pairs; of a histogram y is empty, of boxes x is the group."""

    kind: str
    title: str
    x: str
    y: str
    x_label: str
    y_label: str
    points: tuple[Point, ...]

    def as_json(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "title": self.title,
            "x": self.x,
            "y": self.y,
            "x_label": self.x_label,
            "y_label": self.y_label,
            "points": [list(point) for point in self.points],
        }


def chart(source: View | Summary, kind: str, x: str, y: str | None) -> Chart:
    """The specification of a chart that can be drawn. Raises `BadRequest` where it cannot."""
    if isinstance(source, Summary):
        return _of_groups(source, kind, x, y)
    return _of_rows(source, kind, x, y)


def _of_groups(source: Summary, kind: str, x: str, y: str | None) -> Chart:
    axes = {source.group: 0, source.figure: 1}
    if kind in ("histogram", "box") or y is None:
        raise BadRequest(
            f"a summary has one figure per group: it cannot be drawn as {kind} or without y"
        )
    if x not in axes or y not in axes:
        raise BadRequest(f"the columns of this table are {source.group!r} and {source.figure!r}")
    if len(source.groups) > MOST_GROUPS and kind == "bar":
        raise BadRequest(f"more than {MOST_GROUPS} bars cannot be read")
    points = tuple((group[axes[x]], group[axes[y]]) for group in source.groups)
    if not all(isinstance(value, int | float) for _, value in points):
        raise BadRequest(f"{y} holds no numbers")
    return Chart(
        kind,
        f"{_label(source.figure)} by {_label(source.group)}",
        x,
        y,
        _label(x),
        _label(y),
        points,
    )


def _of_rows(view: View, kind: str, x: str, y: str | None) -> Chart:
    columns = view.table.columns
    across = column_number(view.table, x)
    up = None if y is None else column_number(view.table, y)
    if (up is None) != (kind == "histogram"):
        raise BadRequest("a histogram needs x and no y; every other chart needs both")
    for number in {up if up is not None else across} | (
        {across} if kind in ("scatter", "histogram") else set()
    ):
        if columns[number].kind != "number":
            raise BadRequest(f"{columns[number].name} holds no numbers")
    needed = (across,) if up is None else (across, up)
    where, values = view.where(*needed)
    select = ", ".join(f"c{number}" for number in needed)
    rows = engine().rows(view.table, select, f"{where} LIMIT {MOST_MARKS}", values)
    if not rows:
        raise BadRequest("there is nothing to draw")
    points = tuple(
        (queries.plain(row[0]), queries.plain(row[1]) if up is not None else None) for row in rows
    )
    names = [_label(columns[number].name, columns[number].unit) for number in needed]
    title = f"Distribution of {names[0]}" if up is None else f"{names[1]} by {names[0]}"
    return Chart(kind, title, columns[across].name, "" if up is None else columns[up].name,
                 names[0], names[1] if up is not None else "Number of rows", points)  # fmt: skip


def _label(name: str, unit: str = "") -> str:
    """A name as a person writes it, with its unit."""
    words = " ".join(name.replace("_", " ").replace(".", " ").split())
    return f"{words[:1].upper()}{words[1:]}" + (f" ({unit})" if unit else "")


def faults(drawn: Chart, kind: str, axes: Sequence[str]) -> list[str]:
    """What is wrong with a chart by the rules of the house. axes: the columns that have to be on x and y."""
    found = []
    if drawn.kind != kind:
        found.append(f"a {drawn.kind} chart, where a {kind} chart is right")
    pair = [axis for axis in (drawn.x, drawn.y) if axis]
    if pair != list(axes) and not (kind == "scatter" and sorted(pair) == sorted(axes)):
        found.append("other columns on its axes")
    if not (drawn.x_label and drawn.y_label and drawn.title):
        found.append("no labels")
    if not drawn.points or (kind == "bar" and len(drawn.points) > MOST_GROUPS):
        found.append("too few or too many marks")
    if kind == "line" and [x for x, _ in drawn.points] != sorted(
        (x for x, _ in drawn.points), key=str
    ):
        found.append("time does not run from left to right")
    return found


def render(drawn: Chart, form: Literal["svg", "png"] = "svg") -> bytes:
    """The chart as a picture. The same chart gives the same bytes."""
    # Heavy, and only needed where a chart is looked at.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": "agentgym", "text.parse_math": False}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _draw(axes, drawn)
        axes.set_title(drawn.title)
        axes.set_xlabel(drawn.x_label)
        axes.set_ylabel(drawn.y_label)
        out = BytesIO()
        figure.savefig(
            out, format=form, metadata={"Date": None} if form == "svg" else {"Software": None}
        )
    return out.getvalue()


def _draw(axes: Axes, drawn: Chart) -> None:
    xs, ys = [point[0] for point in drawn.points], [point[1] for point in drawn.points]
    match drawn.kind:
        case "bar":
            axes.bar([str(x) for x in xs], ys)
        case "line":
            axes.plot([str(x) for x in xs], ys, marker="o")
        case "histogram":
            axes.hist(xs, bins=min(BINS, max(1, len(set(xs)))))
        case "scatter":
            axes.scatter(xs, ys, s=12)
        case _:
            groups: dict[str, list[float]] = {}
            for x, y in drawn.points:
                groups.setdefault(str(x), []).append(y)
            names = sorted(groups)[:MOST_GROUPS]
            axes.boxplot([groups[name] for name in names], tick_labels=names)
    if drawn.kind != "histogram":
        axes.tick_params(
            axis="x",
            labelrotation=45 if len(set(map(str, xs))) > 6 and drawn.kind != "scatter" else 0,
        )
