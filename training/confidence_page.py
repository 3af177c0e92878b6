"""Confidence as the evidence page shows it: geometry of the reliability curve, the coverage curve, and histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 366, 270
LEFT, RIGHT, TOP, BOTTOM = 48, 348, 12, 226
"""The plot's edges in the view box; the rest is for labels."""
LABELLED = (0.9, 0.99)
"""Thresholds whose points carry their number."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale from values to places in the view box."""

    low: float
    high: float
    start: int
    end: int

    def __call__(self, value: float) -> float:
        held = min(self.high, max(self.low, value))
        return round(
            self.start + (held - self.low) / (self.high - self.low) * (self.end - self.start), 1
        )

    def ticks(self, count: int = 4) -> list[dict[str, Any]]:
        step = (self.high - self.low) / count
        values = [self.low + i * step for i in range(count + 1)]
        digits = 0 if all(abs(100 * v - round(100 * v)) < 1e-6 for v in values) else 1
        return [{"at": self(v), "label": f"{100 * v:.{digits}f} %"} for v in values]


ACROSS = Axis(0.0, 1.0, LEFT, RIGHT)
UP = Axis(0.0, 1.0, BOTTOM, TOP)
FRAME = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "right": RIGHT,
    "top": TOP,
    "bottom": BOTTOM,
    "middle": (LEFT + RIGHT) // 2,
    "half": (TOP + BOTTOM) // 2,
}


def confidence_context(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Both curves; None where confidence was not examined."""
    found = evidence.get("calibration")
    if not isinstance(found, Mapping) or not found.get("coverage"):
        return None
    return {
        **found,
        "reliability": reliability(found),
        "trade_off": coverage(found["coverage"]),
        "frame": FRAME,
    }


def reliability(found: Mapping[str, Any]) -> dict[str, Any]:
    """Share of right decisions over confidence, per bin, before and after calibration."""
    return {
        "series": [
            {"name": name, "points": _bins(found[name]["bins"])} for name in ("before", "after")
        ],
        "bins": [
            {"from": b["from"], "to": b["to"], "before": b, "after": a}
            for b, a in zip(found["before"]["bins"], found["after"]["bins"], strict=True)
            if b["right"]["n"] or a["right"]["n"]
        ],
        "across": ACROSS.ticks(),
        "up": UP.ticks(),
    }


def _bins(bins: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    most = max((b["right"]["n"] for b in bins), default=0)
    return [
        {
            "x": ACROSS(b["confidence"]),
            "y": UP(b["right"]["value"]),
            "low": UP(b["right"]["low"]),
            "high": UP(b["right"]["high"]),
            # Area says how many decisions stand behind a point.
            "radius": round(2.5 + 4 * math.sqrt(b["right"]["n"] / most), 1),
        }
        for b in bins
        if b["right"]["n"] and b["right"]["low"] is not None
    ]


def coverage(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Accuracy over the share of decisions kept, by threshold; thresholds that keep the same are one point."""
    lows = [row["accuracy"]["low"] for row in rows if row["accuracy"]["low"] is not None]
    floor = min(0.9, math.floor(10 * min(lows, default=0.9)) / 10)
    up = Axis(floor, 1.0, BOTTOM, TOP)
    points = [
        {
            "threshold": row["threshold"],
            "x": ACROSS(row["coverage"]["value"]),
            "y": up(row["accuracy"]["value"]),
            "low": up(row["accuracy"]["low"]),
            "high": up(row["accuracy"]["high"]),
            "label": row["threshold"] in LABELLED,
        }
        for row in rows
        if row["accuracy"]["value"] is not None
    ]
    return {
        "points": points,
        "line": " ".join(f"{p['x']},{p['y']}" for p in points),
        "rows": rows,
        "across": ACROSS.ticks(),
        "up": up.ticks(4 if floor < 0.9 else 5),
    }


def nearness(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How near test phrases come to training phrases: one bar per tenth of similarity."""
    nearest = (evidence.get("leaks") or {}).get("nearest") or {}
    counts: Sequence[int] = nearest.get("bins", ())
    return [
        {"from": i / len(counts), "to": (i + 1) / len(counts), "count": count, "share": count / sum(counts)}
        for i, count in enumerate(counts)
        if sum(counts)
    ]  # fmt: skip
