"""What a function of the shared file is.

What it has to return is not written down: it is what it returns before a defect is planted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function's source, and the arguments of its tests, as a literal."""

    name: str
    source: str
    calls: str

    @property
    def lines(self) -> list[str]:
        return self.source.split("\n")

    def of(self, module: str) -> Function:
        """The same function under the name that it has in this module."""
        name = f"{self.name}_{module}"
        source = self.source.replace(f"def {self.name}(", f"def {name}(", 1)
        return replace(self, name=name, source=source)


def made(source: str, *calls: tuple[Any, ...]) -> Function:
    """A function from its source, tested with these arguments. It must not call itself, nor loop by a condition."""
    text = source.strip("\n")
    return Function(text.split("def ")[1].split("(")[0], text, repr(calls))
