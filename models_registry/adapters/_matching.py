"""A framework's tools matched with the ones that a policy was trained with, by normalised name."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenarios.core.schema import argument_errors
from scenarios.core.types import Json, Tool, ToolCall

_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


class SchemaDrift(UserWarning):
    """A tool is not the one that the policy was trained with: parameters came, went or changed their type."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools on offer, twice. `tools`: as the policy knows them. `real`: as the framework runs them, same order."""

    tools: tuple[Tool, ...]
    real: tuple[Tool, ...]

    def known(self, call: ToolCall) -> ToolCall:
        """A call of the framework in the policy's names."""
        for mine, theirs in zip(self.tools, self.real, strict=True):
            if theirs.name == call.name:
                return ToolCall(mine.name, call.arguments)
        return call

    def runnable(self, call: ToolCall) -> tuple[ToolCall, tuple[str, ...]]:
        """A call of the policy in the framework's names, and what the real tool's schema has against it."""
        for mine, theirs in zip(self.tools, self.real, strict=True):
            if mine.name == call.name:
                return ToolCall(theirs.name, call.arguments), argument_errors(
                    theirs, call.arguments
                )
        return call, (f"there is no tool {call.name!r}",)


def normalised(name: str) -> str:
    """`Check Payment`, `checkPayment` and `check_payment` are one tool."""
    return "_".join(part.lower() for part in _WORD_BREAK.split(name) if part)


def match_tools(offered: Sequence[Tool], stored: Sequence[Tool]) -> Offer:
    """The offer of these tools to a policy that was trained with `stored`.

    A tool that the policy knows keeps its trained description and schema, because frameworks reword both. Where the
    parameters themselves differ, the real schema is used (a call must fit the real tool) and `SchemaDrift` is warned.
    """
    known = {normalised(tool.name): tool for tool in stored}
    return Offer(
        tuple(_view(tool, known.get(normalised(tool.name))) for tool in offered), tuple(offered)
    )


def _view(real: Tool, stored: Tool | None) -> Tool:
    if stored is None:
        return real
    if not (changes := drift(real, stored)):
        return stored
    message = f"tool {real.name!r} differs from the one trained with: {'; '.join(changes)}"
    warnings.warn(message, SchemaDrift, stacklevel=2)
    return Tool(stored.name, stored.description, real.parameters)


def drift(real: Tool, stored: Tool) -> list[str]:
    """How the parameters of a real tool differ from the trained ones; wording and defaults do not count."""
    mine, theirs = real.properties, stored.properties
    changes = [f"new parameter {name}" for name in mine if name not in theirs]
    changes += [f"parameter {name} is gone" for name in theirs if name not in mine]
    for name in mine:
        if name in theirs:
            if (name in real.required) != (name in stored.required):
                changes.append(
                    f"{name} is {'now' if name in real.required else 'no longer'} required"
                )
            changes += [
                f"{name} has another {what}" for what in _differences(mine[name], theirs[name])
            ]
    return changes


def _differences(mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> list[str]:
    # A keyword that one side does not state (an Optional becomes anyOf, an enum a $ref) is no proof of a change.
    return [
        what
        for what in ("type", "enum")
        if what in mine and what in theirs and mine[what] != theirs[what]
    ]
