"""Figures as people read them: shares, intervals, durations, money. A missing value is an en dash."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from django import template

from training.report import percent

register = template.Library()

MISSING = "–"  # noqa: RUF001 (an en dash is what is meant)
_WORDS = {
    "ppo": "PPO",
    "grpo": "GRPO",
    "reinforce": "REINFORCE",
    "junk_call": "Unnecessary call",
    "order": "Wrong order",
    "target_held": "Target held",
    "hand_over": "Hand over",
}


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


@register.filter
def number(value: Any, digits: int = 0) -> str:
    """12345.678 -> 12,346; with digits 1 -> 12,345.7."""
    found = _finite(value)
    return MISSING if found is None else f"{found:,.{digits}f}"


@register.filter
def significant(value: Any) -> str:
    """A setting or a metric in at most four significant digits: 0.002, 24,000, 1.5e-05."""
    found = _finite(value)
    if found is None:
        return MISSING if value in (None, "") else str(value)
    if found == int(found) and abs(found) < 1e15:
        return f"{int(found):,}"
    return f"{found:.4g}"


@register.filter
def share(value: Any, digits: int = 1) -> str:
    """0.9523 -> 95.2 %. Rounds towards the middle, so that 99.97 % never reads as 100 %."""
    found = _finite(value)
    if found is None:
        return MISSING
    return percent(found, digits)


@register.filter
def interval(figure: Any, unit: str = "share") -> str:
    """{"low": .931, "high": .968} -> 93.1 to 96.8 %; unit `seconds` and `number` likewise."""
    low, high = _ends(figure)
    if low is None or high is None:
        return MISSING
    if unit == "share":
        return f"{share(low).removesuffix(' %')} to {share(high)}"
    if unit == "seconds":
        return f"{seconds(low)} to {seconds(high)}"
    return f"{number(low, 2)} to {number(high, 2)}"


@register.filter
def points(value: Any, sign: str = "+") -> str:
    """A difference of shares: 0.0461 -> +4.6 points; with sign "" 4.6 points."""
    found = _finite(value)
    return MISSING if found is None else f"{100 * found:{sign}.1f} points"


@register.filter
def points_interval(figure: Any) -> str:
    """{"low": -.013, "high": .078} -> -1.3 to +7.8."""
    low, high = _ends(figure)
    return MISSING if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"


def _ends(figure: Any) -> tuple[float | None, float | None]:
    if not isinstance(figure, Mapping):
        return None, None
    return _finite(figure.get("low")), _finite(figure.get("high"))


@register.filter
def quantity(value: Any, unit: str) -> str:
    """A value in its unit: share, seconds or number."""
    return {"share": share, "seconds": seconds}.get(unit, lambda v: number(v, 2))(value)


@register.filter
def seconds(value: Any) -> str:
    """A response time: 0.0009 -> 0.9 ms, 0.25 -> 250 ms, 3.14 -> 3.1 s."""
    found = _finite(value)
    if found is None:
        return MISSING
    if abs(found) < 0.1:
        return f"{1000 * found:.1f} ms"
    return f"{1000 * found:.0f} ms" if abs(found) < 1 else f"{found:.1f} s"


@register.filter
def duration(value: Any) -> str:
    """A stretch of work: 42 s, 3 min 5 s, 2 h 10 min."""
    found = _finite(value)
    if found is None or found < 0:
        return MISSING
    whole = int(found)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


@register.filter
def usd(value: Any) -> str:
    """Money in as many digits as it needs: $1.20, $0.0042, $0.0000031."""
    found = _finite(value)
    if found is None:
        return MISSING
    if found == 0 or abs(found) >= 0.1:
        return f"${found:,.2f}"
    return f"${found:.{1 - math.floor(math.log10(abs(found)))}f}"


@register.filter
def per_thousand(value: Any) -> float | None:
    """A cost of one as the cost of a thousand."""
    found = _finite(value)
    return None if found is None else 1000 * found


@register.filter
def file_size(value: Any) -> str:
    """Bytes as kB or MB."""
    found = _finite(value)
    if found is None:
        return MISSING
    return f"{found / 1e6:.1f} MB" if found >= 1e6 else f"{found / 1e3:.0f} kB"


@register.filter
def words(key: Any) -> str:
    """wrong_tool -> Wrong tool."""
    text = str(key or "")
    return _WORDS.get(text) or text.replace("_", " ").strip().capitalize() or MISSING


@register.filter
def pretty(value: Any) -> str:
    """Text as it is, JSON indented; short values stay on one line."""
    if isinstance(value, str):
        return value
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= 60 else json.dumps(value, ensure_ascii=False, indent=2, default=str)


@register.filter
def get(mapping: Any, key: str) -> Any:
    """A value of a mapping whose key is not fixed; None where it is absent."""
    return mapping.get(key) if isinstance(mapping, Mapping) else None
