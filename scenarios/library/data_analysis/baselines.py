"""Hand-written analysts to compare with: they read the conversation and nothing else.

`script` always takes the same way: load, describe, figures of the first column that is mentioned, and the figure that the
words ask for. `rules` is what a practitioner would write in a day: it cleans, filters by every value that was found, and
chooses tool, figure and chart by words of the question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from scenarios.core.types import Decision, Json, ToolCall, Turn

_FILE = re.compile(r"[\"“]([^\"”]+\.(?:csv|json|parquet))[\"”]")
_TRIES = 3
_FIGURES = (
    ("median", r"median|middle"),
    ("standard_deviation", r"deviation|std|vary|varies|variation|scatter|spread|dispers"),
    ("missing", r"missing|empty|blank|gaps|lack|without a|left empty|have no"),
    ("distinct", r"different|distinct|unique|kinds"),
    ("most_common", r"common|frequent|most often"),
    ("maximum", r"highest|largest|maximum|biggest|greatest"),
    ("minimum", r"lowest|smallest|minimum"),
    ("average", r"average|mean"),
    ("sum", r"total|sum|add|altogether|overall"),
)
_OPERATORS = (
    ("at_least", r"at least|or more|no less|since|from|as of|on or after|starting"),
    ("at_most", r"at most|or less|no more|not above"),
    (
        "not_equal_to",
        r"except|excluding|leaving out|is not|ignoring|other than|without|outside|anything but",
    ),
    ("below", r"below|under|less than|smaller|lower|before|prior|earlier"),
    ("above", r"above|over|more than|greater|exceed|higher"),
)


class _Seen:
    """What a conversation has shown so far."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.question = str(turns[0].content)
        self.words = self.question.lower()
        self.replies = [str(turn.content) for turn in turns[1:] if turn.role == "user"]
        self.results = [turn for turn in turns if turn.role == "tool"]
        self.last = self.results[-1] if self.results else None
        self.file = next(
            (m for text in (self.question, *self.replies) for m in _FILE.findall(text)), None
        )

    def of(self, tool: str) -> dict[str, Json]:
        """What the tool last gave, without errors; empty where it gave nothing."""
        found = [
            t.content for t in self.results if t.call and t.call.name == tool and not t.is_error
        ]
        return found[-1] if found else {}

    def count(self, tool: str) -> int:
        return sum(
            t.call is not None and t.call.name == tool and not t.is_error for t in self.results
        )

    def table(self) -> str:
        made = ("load_data", "clean_data", "filter_data")
        found = [
            t.content for t in self.results if t.call and t.call.name in made and not t.is_error
        ]
        return str(found[-1]["table"])

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.words) is not None


def _call(tool: str, **arguments: Json) -> Decision:
    return Decision("tool", ToolCall(tool, arguments))


def _begin(seen: _Seen, *, clean: bool) -> Decision | None:
    """Repeat what failed, load, clean, describe, give up where nothing fits; None once that is done."""
    if seen.last is not None and seen.last.is_error and seen.last.call is not None:
        same = [t for t in seen.results if t.call == seen.last.call]
        if len(same) < _TRIES:
            return Decision("tool", seen.last.call)
        return Decision("hand_over", text="That does not work.")
    loaded = seen.of("load_data")
    if not loaded:
        return (
            _call("load_data", file=seen.file) if seen.file else Decision("ask", text="Which file?")
        )
    if not loaded["loaded"]:
        return Decision("hand_over", text="The file cannot be read.")
    if clean and loaded["records"] == "repeated" and not seen.of("clean_data"):
        return _call("clean_data", table=loaded["table"])
    if not seen.of("describe_data"):
        return _call("describe_data", table=seen.table(), question=seen.question)
    if seen.of("answer"):
        return Decision("final", text="Done.")
    return None


def _figure(seen: _Seen, stats: Mapping[str, Json]) -> Json:
    wanted = (key for key, pattern in _FIGURES if seen.has(pattern) and stats.get(key) is not None)
    return stats.get(next(wanted, "count"), stats["count"])


def script(turns: Sequence[Turn]) -> Decision:
    """Load, describe, figures of the first column that is mentioned, answer."""
    seen = _Seen(turns)
    decision = _begin(seen, clean=False)
    if decision is not None:
        return decision
    described, stats = seen.of("describe_data"), seen.of("calculate_stats")
    if stats:
        return _call("answer", value=_figure(seen, stats))
    columns = described["columns"] or described["other_columns"]
    return _call("calculate_stats", table=seen.table(), column=columns[0]["column"])


def rules(turns: Sequence[Turn]) -> Decision:
    """Clean, filter by every value found, then the tool that the words ask for."""
    seen = _Seen(turns)
    decision = _begin(seen, clean=True)
    if decision is not None:
        return decision
    described = seen.of("describe_data")
    if described["wording"] == "ambiguous" and not seen.replies:
        return Decision("ask", text="Which column do you mean?")
    share = seen.has(r"share|percent|fraction|part of")
    values = [] if share and not seen.has("month") else described["values"]
    if seen.count("filter_data") < len(values) and not seen.of("calculate_stats"):
        return _filter(seen, values[seen.count("filter_data")])
    return _analyse(seen, described, share=share)


def _filter(seen: _Seen, value: Mapping[str, Json]) -> Decision:
    said = f"{value.get('lead', '')} {value.get('before', '')}"
    at = seen.words.find(str(value["value"]).lower())
    near = f"{said} {seen.words[max(0, at - 30) : at + 25]}"
    operator = next((key for key, pattern in _OPERATORS if re.search(pattern, near)), "equal_to")
    if value["type"] == "text" and operator != "not_equal_to":
        operator = "equal_to"
    return _call(
        "filter_data",
        table=seen.table(),
        column=value["column"],
        value=value["value"],
        operator=operator,
    )


def _columns(seen: _Seen, described: Mapping[str, Json], kind: str) -> list[str]:
    """Mentioned columns of a type that no condition is about; of tied ones the one that the user then named."""
    found = [c for c in described["columns"] if c["type"] == kind and not c.get("in_condition")]
    said = " ".join(seen.replies)
    return [c["column"] for c in found if c.get("match") != "tied" or c["column"] in said]


def _analyse(seen: _Seen, described: Mapping[str, Json], *, share: bool) -> Decision:
    numbers, texts = (_columns(seen, described, kind) for kind in ("number", "text"))
    drawn = seen.of("plot_chart")
    if drawn:
        return _call("answer", value=drawn["chart"])
    if seen.has(r"chart|plot|graph|histogram|draw|picture|visualise|boxes|\bbars\b"):
        return _draw(seen, described, numbers, texts)
    if (
        seen.has("outlier|unusual|extreme|abnormal|suspicious|sigma|z-score|three standard")
        and numbers
    ):
        return _outliers(seen, numbers[0])
    if len(numbers) > 1 and not texts:
        return _correlate(seen, numbers)
    if (texts and (numbers or seen.has("which|share|percent|most"))) or seen.has("month"):
        return _group(seen, described, numbers, texts, share=share)
    stats = seen.of("calculate_stats")
    if stats:
        return _call("answer", value=_figure(seen, stats))
    if numbers or texts:
        return _call("calculate_stats", table=seen.table(), column=(numbers or texts)[0])
    if described["values"] and seen.of("filter_data"):
        return _call("answer", value=seen.of("filter_data")["rows"])
    return Decision("hand_over", text="The file does not hold that.")


def _outliers(seen: _Seen, column: str) -> Decision:
    found, stats = seen.of("detect_outliers"), seen.of("calculate_stats")
    if not found:
        method = "zscore" if seen.has("sigma|z-score|three standard") else "iqr"
        return _call("detect_outliers", table=seen.table(), column=column, method=method)
    if stats:
        return _call("answer", value=stats["average"])
    if seen.has("average|mean") and seen.has(
        "without|exclud|ignor|leave|drop|remov|taken out|aside|gone|skip"
    ):
        return _call("calculate_stats", table=found["remaining_table"], column=column)
    if seen.has("most|furthest|worst|strangest"):
        return _call("answer", value=found.get("most_extreme", found["outliers"]))
    return _call("answer", value=found["outliers"])


def _correlate(seen: _Seen, numbers: Sequence[str]) -> Decision:
    found = seen.of("run_correlation")
    if found:
        sign = seen.has("positive|negative|together|direction|rises|grows")
        return _call("answer", value=found["direction" if sign else "coefficient"])
    method = "spearman" if seen.has("rank|spearman") else "pearson"
    return _call(
        "run_correlation",
        table=seen.table(),
        column=numbers[0],
        other_column=numbers[1],
        method=method,
    )


def _grouping(
    seen: _Seen, described: Mapping[str, Json], numbers: Sequence[str], texts: Sequence[str]
) -> Decision:
    """The call that groups as the words say."""
    function = "count"
    if numbers:
        function = "average" if seen.has("average|mean") and len(numbers) < 2 else "sum"
    arguments: dict[str, Json] = {"table": seen.table(), "function": function}
    if numbers:
        arguments["column"] = numbers[0]
    monthly = seen.has("month") and "date_column" in described
    by = (
        [described["date_column"]]
        if monthly
        else [*texts, *(v["column"] for v in described["values"])]
    )
    if not by:
        return Decision("hand_over", text="There is nothing to group by.")
    arguments["by"] = by[0]
    if monthly:
        arguments["period"] = "month"
    in_time = monthly and not seen.has("which month|what month|best month|when|in which")
    low = seen.has("lowest|least|smallest|weakest|last")
    arguments["order"] = "by_group" if in_time else "lowest_first" if low else "highest_first"
    number = re.search(r"\b([1-9])\b", seen.words)
    if number and seen.has("top|best|first|list|rank"):
        arguments["limit"] = int(number[1])
    return _call("aggregate_data", **arguments)


def _group(
    seen: _Seen,
    described: Mapping[str, Json],
    numbers: Sequence[str],
    texts: Sequence[str],
    *,
    share: bool,
) -> Decision:
    found = seen.of("aggregate_data")
    if not found:
        return _grouping(seen, described, numbers, texts)
    rows, call = (
        found["rows"],
        next(t.call for t in seen.results if t.call and t.call.name == "aggregate_data"),
    )
    if "period" in call.arguments and call.arguments["order"] == "by_group":
        change = seen.has("percent|growth") or "trend" not in found
        return _call("answer", value=found["trend"]["change_percent" if change else "direction"])
    if "limit" in call.arguments:
        return _call("answer", value=found["table"])
    if share:
        value = next((v["value"] for v in described["values"]), None)
        row = next((row for row in rows if row["group"] == value), rows[0])
        return _call("answer", value=row.get("share_percent", row["value"]))
    return _call(
        "answer", value=rows[0]["value" if seen.has("how much|how high|how large") else "group"]
    )


def _draw(
    seen: _Seen, described: Mapping[str, Json], numbers: Sequence[str], texts: Sequence[str]
) -> Decision:
    table = seen.table()
    if seen.has("box|quartile|spread of") and numbers and texts:
        return _call("plot_chart", table=table, kind="box", x=texts[0], y=numbers[0])
    if len(numbers) > 1:
        return _call("plot_chart", table=table, kind="scatter", x=numbers[1], y=numbers[0])
    if numbers and not texts and not seen.has("month"):
        return _call("plot_chart", table=table, kind="histogram", x=numbers[0])
    found = seen.of("aggregate_data")
    if not found:
        return _grouping(seen, described, numbers, texts)
    kind = "line" if seen.has("month") else "bar"
    return _call(
        "plot_chart",
        table=found["table"],
        kind=kind,
        x=found["group_column"],
        y=found["value_column"],
    )
