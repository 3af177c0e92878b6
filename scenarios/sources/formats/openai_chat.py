"""OpenAI chat.

One conversation a row: `{"messages": [...]}` as the chat completions API takes and gives them, with `tool_calls` and
messages of role `tool`. Optional beside it: `tools`, `ending` (final or hand_over), `cost`; on a tool's message
`seconds` and `cost`. A row may also be a plain list of messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scenarios.sources.formats._messages import amount, events_of
from scenarios.sources.formats._tools import tools_of
from scenarios.sources.formats.base import Format, Recorded, Refused, Row, RowError

_ENDINGS = ("final", "hand_over")


class OpenAIChat(Format):
    """Reads one conversation a row."""

    @classmethod
    def read(cls, rows: Iterable[Row]) -> Iterator[Recorded | Refused]:
        for number, value in rows:
            try:
                yield _recorded(number, value)
            except RowError as problem:
                yield Refused(number, str(problem))


def _recorded(number: int, value: Any) -> Recorded:
    row: Mapping[str, Any] = {"messages": value} if isinstance(value, list) else value
    if not isinstance(row, Mapping):
        raise RowError("must be an object with `messages`")
    listed = row.get("messages", row.get("conversation"))
    if listed is None:
        raise RowError("holds no `messages`; is this another format?")
    ending = row.get("ending")
    if ending is not None and ending not in _ENDINGS:
        raise RowError(f"ending: must be {' or '.join(_ENDINGS)}")
    tools = row.get("tools", row.get("functions"))
    return Recorded(
        number,
        events_of(listed),
        tools_of(tools) if tools else (),
        ending,
        amount(row.get("cost")),
    )
