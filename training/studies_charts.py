"""Charts of a study as geometry: the templates draw them as SVG, without a script. Plain data in, plain data out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.rl.config import SPECS
from training.studies_report import shown
from training.templatetags.figures import significant
from training.tuning.objectives import OBJECTIVES, front, ranked
from training.tuning.space import Dimension, Space

Row = Mapping[str, Any]
Plot = dict[str, Any]
LEFT, TOP, FOOT = 62, 22, 44
MOST_LINES = 200
"""Lines in the parallel coordinates and among the looks; beyond it the best, or the latest, are drawn."""
BEST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places: linear, logarithmic, or one place for each of `names`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    names: tuple[Any, ...] = ()

    def __call__(self, value: Any) -> float:
        if self.names:
            share = (self.names.index(value) + 0.5) / len(self.names)
        else:
            low, high = self._bend(self.low), self._bend(self.high)
            share = (self._bend(float(value)) - low) / (high - low) if high > low else 0.5
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 1)

    def _bend(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.log else value

    def ticks(
        self, words: Callable[[Any], str] = significant, count: int = 4
    ) -> list[dict[str, Any]]:
        if self.names:
            return [{"at": self(name), "label": words(name)} for name in self.names]
        if self.log:
            lowest, highest = math.ceil(self._bend(self.low)), math.floor(self._bend(self.high))
            if highest > lowest:
                step = max(1, (highest - lowest) // count)
                values = [10.0**power for power in range(lowest, highest + 1, step)]
                return [{"at": self(v), "label": words(v)} for v in values]
        values = [self.low + i * (self.high - self.low) / count for i in range(count + 1)]
        return [{"at": self(v), "label": words(v)} for v in values]


def scale_of(values: Sequence[float], start: float, end: float) -> Scale:
    """Just wide enough for the values, and never without a width."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = (high - low) * 0.06 or abs(high) * 0.06 or 0.5
    return Scale(low - room, high + room, start, end)


def dimension_scale(one: Dimension, start: float, end: float) -> Scale:
    if one.values:
        numbers = [value for value in one.values if not isinstance(value, str)]
        ordered = one.values if len(numbers) < len(one.values) else tuple(sorted(numbers))
        return Scale(0, 1, start, end, names=ordered)
    return Scale(one.low, one.high, start, end, log=one.log)


def label_of(name: str) -> str:
    return SPECS[name].label if name in SPECS else name


def _plot(key: str, title: str, width: int, height: int, **more: Any) -> Plot:
    right, bottom = width - 14, height - FOOT
    frame = {
        "width": width,
        "height": height,
        "left": LEFT,
        "right": right,
        "top": TOP,
        "bottom": bottom,
        "middle": (LEFT + right) // 2,
    }
    return {"key": key, "title": title, "frame": frame, "dots": [], "lines": [], **more}


def _words(objective: str) -> Callable[[Any], str]:
    return lambda value: shown(float(value), objective)


def history(rows: Sequence[Row], objectives: Sequence[str], place: int) -> Plot | None:
    """Every complete trial's value in the order of the trials, and the best one so far."""
    done = [row for row in rows if row["values"]]
    if not done:
        return None
    key = objectives[place]
    plot = _plot(f"history-{key}", f"{OBJECTIVES[key].label} of every trial", 640, 300)
    frame = plot["frame"]
    values = [row["values"][place] for row in done]
    across = Scale(0, max(1, rows[-1]["number"]), frame["left"], frame["right"])
    up = scale_of(values, frame["bottom"], frame["top"])
    better = max if OBJECTIVES[key].maximize else min
    best, corners = values[0], [(across(done[0]["number"]), up(values[0]))]
    for row, value in zip(done, values, strict=True):
        plot["dots"].append(
            _dot(across(row["number"]), up(value), "complete", row, shown(value, key))
        )
        new = better(best, value)
        if new != best:
            corners += [(across(row["number"]), up(best)), (across(row["number"]), up(new))]
            best = new
    corners.append((across(rows[-1]["number"]), up(best)))
    plot["lines"] = [{"points": _joined(corners), "css": "best"}]
    whole = lambda value: f"{value:.0f}"  # noqa: E731 (a word for a number)
    return plot | {
        "up": up.ticks(_words(key)),
        "across": across.ticks(whole, min(4, max(1, rows[-1]["number"]))),
        "up_title": OBJECTIVES[key].label,
        "across_title": "Trial",
        "summary": f"{len(done)} complete trials; the best has {shown(best, key)}.",
    }


def _dot(x: float, y: float, css: str, row: Row, text: str) -> dict[str, Any]:
    return {"x": x, "y": y, "css": css, "label": f"Trial {row['number']}: {text}"}


def _joined(corners: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def slices(rows: Sequence[Row], space: Space, objectives: Sequence[str]) -> list[Plot]:
    """The first objective over each setting by itself."""
    key, done = objectives[0], [row for row in rows if row["values"]]
    found = []
    for one in space.dimensions if done else ():
        plot = _plot(f"slice-{one.name}", label_of(one.name), 330, 240)
        frame = plot["frame"]
        across = dimension_scale(one, frame["left"], frame["right"])
        up = scale_of([row["values"][0] for row in done], frame["bottom"], frame["top"])
        for row in done:
            value = row["params"].get(one.name)
            if value is not None and (not one.values or value in one.values):
                text = f"{label_of(one.name)} {significant(value)}, {shown(row['values'][0], key)}"
                plot["dots"].append(
                    _dot(across(value), up(row["values"][0]), "complete", row, text)
                )
        found.append(
            plot
            | {
                "up": up.ticks(_words(key), 2),
                "across": across.ticks(count=2),
                "up_title": OBJECTIVES[key].label,
                "across_title": "",
                "summary": f"{OBJECTIVES[key].label} of {len(plot['dots'])} trials over this setting.",
            }
        )
    return found


def parallel(rows: Sequence[Row], space: Space, objectives: Sequence[str]) -> Plot | None:
    """Every trial as a line over all settings and its first objective; the best tenth stands out."""
    done = {row["number"]: row for row in rows if row["values"]}
    if not done:
        return None
    key, order = objectives[0], ranked({n: row["values"] for n, row in done.items()}, objectives)
    drawn = order[:MOST_LINES]
    width = max(640, 120 * (len(space.dimensions) + 1))
    plot = _plot("parallel", "All settings at once", width, 320)
    top, bottom = TOP + 24, plot["frame"]["bottom"] + 16
    spots = [70 + i * (width - 140) / max(1, len(space.dimensions)) for i in range(len(space.dimensions) + 1)]  # fmt: skip
    scales = [dimension_scale(one, bottom, top) for one in space.dimensions]
    last = scale_of([row["values"][0] for row in done.values()], bottom, top)
    good = set(order[: max(1, round(BEST_SHARE * len(order)))])
    for number in reversed(drawn):
        row, corners = done[number], []
        for one, scale, x in zip(space.dimensions, scales, spots, strict=False):
            value = row["params"].get(one.name)
            if value is not None and (not one.values or value in one.values):
                corners.append((round(x, 1), scale(value)))
        corners.append((round(spots[-1], 1), last(row["values"][0])))
        plot["lines"].append(
            {"points": _joined(corners), "css": "good" if number in good else "rest"}
        )
    axes = [
        _axis(label_of(one.name), x, scale.ticks(count=2), top, bottom)
        for one, scale, x in zip(space.dimensions, scales, spots, strict=False)
    ]
    axes.append(_axis(OBJECTIVES[key].label, spots[-1], last.ticks(_words(key), 2), top, bottom))
    cut = f"; the best {len(drawn)} are drawn" if len(drawn) < len(done) else ""
    return plot | {
        "axes": axes,
        "summary": f"{len(done)} complete trials, the best {len(good)} of them in colour{cut}.",
    }


def _axis(name: str, x: float, ticks: list[dict[str, Any]], top: float, bottom: float) -> dict[str, Any]:  # fmt: skip
    return {"x": round(x, 1), "name": name, "ticks": ticks, "top": top, "bottom": bottom}


def looks(rows: Sequence[Row], objectives: Sequence[str]) -> Plot | None:
    """What the trials had reached at each look; those that were pruned end early."""
    seen = [row for row in rows if row["looks"]][-MOST_LINES:]
    if not seen:
        return None
    key = objectives[0]
    plot = _plot("looks", f"{OBJECTIVES[key].label} on the way", 640, 300)
    frame = plot["frame"]
    across = Scale(0, max(step for row in seen for step, _ in row["looks"]), LEFT, frame["right"])
    up = scale_of([v for row in seen for _, v in row["looks"]], frame["bottom"], frame["top"])
    for row in seen:
        pruned = row["status"] == "pruned"
        corners = [(across(step), up(value)) for step, value in row["looks"]]
        plot["lines"].append({"points": _joined(corners), "css": "pruned" if pruned else "rest"})
        if pruned:
            step, value = row["looks"][-1]
            text = f"pruned at look {step:.0f}, {shown(value, key)}"
            plot["dots"].append(_dot(across(step), up(value), "pruned", row, text))
    count = sum(row["status"] == "pruned" for row in seen)
    return plot | {
        "up": up.ticks(_words(key)),
        "across": across.ticks(lambda value: f"{value:.0f}"),
        "up_title": OBJECTIVES[key].label,
        "across_title": "Look",
        "summary": f"{len(seen)} trials, {count} of them pruned (they end with a dot).",
    }


def pareto(rows: Sequence[Row], objectives: Sequence[str]) -> list[Plot]:
    """Every pair of objectives, with the trials that nothing beats in all of them."""
    done = {row["number"]: row for row in rows if row["values"]}
    if len(objectives) < 2 or not done:
        return []
    on_front = set(front({n: row["values"] for n, row in done.items()}, objectives))
    pairs = [(a, b) for a in range(len(objectives)) for b in range(a + 1, len(objectives))]
    return [_pair(done, on_front, objectives, *pair) for pair in pairs]


def _pair(
    done: Mapping[int, Row], on_front: set[int], objectives: Sequence[str], a: int, b: int
) -> Plot:
    first, second = objectives[a], objectives[b]
    names = OBJECTIVES[first].label, OBJECTIVES[second].label
    plot = _plot(f"pareto-{first}-{second}", f"{names[0]} against {names[1].lower()}", 640, 340)
    frame = plot["frame"]
    across = scale_of([row["values"][b] for row in done.values()], LEFT, frame["right"])
    up = scale_of([row["values"][a] for row in done.values()], frame["bottom"], frame["top"])
    for number, row in done.items():
        values = row["values"]
        text = (
            f"{names[0]} {shown(values[a], first)}, {names[1].lower()} {shown(values[b], second)}"
        )
        css = "front" if number in on_front else "complete"
        plot["dots"].append(_dot(across(values[b]), up(values[a]), css, row, text))
    if len(objectives) == 2:
        corners = sorted((across(done[n]["values"][b]), up(done[n]["values"][a])) for n in on_front)
        plot["lines"] = [{"points": _joined(corners), "css": "best"}]
    return plot | {
        "up": up.ticks(_words(first)),
        "across": across.ticks(_words(second)),
        "up_title": names[0],
        "across_title": names[1],
        "summary": f"{len(done)} complete trials; nothing beats {len(on_front)} of them in every objective.",
    }
