"""The code in docs/integrations.md: it parses, and what it imports is there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "integrations.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_page_s_code_is_real(number: int) -> None:
    code = compile(
        BLOCKS[number],
        f"block {number}",
        "exec",
        ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


def test_common_things_have_public_names() -> None:
    from models_registry import adapters

    for name in ("AgentTask", "Core", "Floor", "LiveTool", "Templates", "WorldTeam"):
        assert getattr(adapters, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_here"):
        getattr(adapters, "nothing_here")  # noqa: B009
