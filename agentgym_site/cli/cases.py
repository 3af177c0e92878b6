"""`agentgym evaluate VERSION --cases FILE`: a trained version on a user's own cases."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentgym_site.cli.exits import bad_option
from agentgym_site.cli.tables import Column, print_facts, print_table
from agentgym_site.cli.versions import bundle_directory
from agentgym_site.cli.watching import write_json

MOST_SHOWN = 10
"""Wrong cases and refused rows that the text shows; JSON holds more."""


def evaluate_on_cases(text: str, file: Path, *, as_json: bool) -> None:
    """Read the cases, ask the version, print the report. Raises `CommandError` with what is wrong with the file."""
    from scenarios.sources.base import SourceError  # noqa: PLC0415
    from scenarios.sources.formats._json import MAX_BYTES  # noqa: PLC0415
    from training.rl.cases import evaluate_cases, read_cases  # noqa: PLC0415

    if not file.is_file():
        raise bad_option("--cases", f"there is no file {file}")
    if file.stat().st_size > MAX_BYTES:
        raise bad_option("--cases", f"{file} is larger than {MAX_BYTES // 2**20} MiB; split it")
    try:
        cases, refused = read_cases(file.read_bytes())
    except SourceError as problem:
        raise bad_option("--cases", f"{file}: {problem}") from problem
    directory, name = bundle_directory(text)
    report = evaluate_cases(directory, cases, refused).as_json()
    if as_json:
        write_json({"type": "result", "version": name, "directory": str(directory), **report})
        return
    _print(f"{name} on {report['cases']:,} cases of {file}", report)


def _print(title: str, report: Mapping[str, Any]) -> None:
    from training.report import percent  # noqa: PLC0415

    def shown(figure: Mapping[str, Any]) -> str:
        if figure["value"] is None:
            return "- (no such case)"
        bounds = ""
        if figure["low"] is not None:
            low, high = (percent(figure[end]).removesuffix(" %") for end in ("low", "high"))
            bounds = f" [{low}, {high}]"
        return f"{percent(figure['value'])}{bounds}, n = {figure['n']:,}"

    quiet, after = report["abstention"], report["calibration"]["after"]["error"]
    print_facts(
        title,
        {
            "Right decisions": shown(report["right"]),
            "Right tool, where a call is expected": shown(report["tool_accuracy"]),
            "Right tool and arguments": shown(report["call_accuracy"]),
            "Right parameters, where the tool is": shown(report["parameter_accuracy"]),
            "No call, where none is expected": shown(quiet["right"]),
            "No call, although one is expected": shown(quiet["needless"]),
            "Calibration error of confidence": shown(after),
        },
    )
    columns = (
        Column("Expected", lambda row: row["expected"]),
        Column("Cases", lambda row: row["cases"], right=True),
        Column("Right tool", lambda row: shown(row["tool_right"])),
        Column("Right in all", lambda row: shown(row["right"])),
        Column("Decided", lambda row: row["called"], right=True),
    )
    print_table("By expected tool or decision", columns, report["per_tool"])
    _lines("Wrong", [_wrong(case) for case in report["wrong"]], report["cases"])
    _lines("Rows left out", [f"row {row['row']}: {row['why']}" for row in report["refused"]])
    _lines("Tools that differ from the trained ones", report["drift"])
    sys.stdout.write("Intervals in brackets hold with 95 % confidence.\n")


def _wrong(case: Mapping[str, Any]) -> str:
    def called(what: Any) -> str:
        if not isinstance(what, dict):
            return str(what)
        inside = ", ".join(f"{name}={value!r}" for name, value in what["arguments"].items())
        return f"{what['name']}({inside})"

    return (
        f"row {case['row']}: expected {called(case['expected'])}, decided {called(case['decided'])} "
        f"with confidence {case['confidence']:.2f}"
    )


def _lines(title: str, lines: list[str], among: int | None = None) -> None:
    if not lines:
        return
    of = f" of {among:,}" if among is not None else ""
    more = (
        f"\n  ... and {len(lines) - MOST_SHOWN} more (see --json)"
        if len(lines) > MOST_SHOWN
        else ""
    )
    body = "\n".join(f"  {line[:300]}" for line in lines[:MOST_SHOWN])
    sys.stdout.write(f"{title} ({len(lines)}{of})\n{body}{more}\n\n")
