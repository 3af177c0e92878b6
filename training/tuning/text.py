"""Spaces and settings as people write them: YAML, of which JSON is a part. Names and values only."""

from __future__ import annotations

from typing import Any

import yaml


class _Plain(yaml.SafeLoader):
    """No aliases: a few lines of them stand for more values than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None,
                None,
                "aliases (*name) are not read",
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        return super().compose_node(parent, index)


def read_text(text: str) -> Any:
    """What the text says. Raises `ValueError` with the line where it cannot be read."""
    try:
        return yaml.load(text, Loader=_Plain)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        what = getattr(problem, "problem", None) or "it is not YAML"
        raise ValueError(
            f"cannot be read{line} ({what}); write one a line, as NAME: VALUE"
        ) from problem
    except RecursionError:
        raise ValueError("cannot be read: it is nested too deeply") from None
