"""A Python file under review: pieces one below another, under the imports that they need.

Every piece is complete with its own imports. So the tools look at each piece once, whatever file it stands in, and a
file's findings are those of its pieces, moved to where they stand; a test holds that whole files give the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

FileKind = Literal["module", "script", "test", "package"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Sorted import lines, and the lines below them."""

    imports: tuple[str, ...]
    body: tuple[str, ...]

    @property
    def text(self) -> str:
        """The piece as a module of its own."""
        return module(self.imports, self.body)

    @property
    def names(self) -> frozenset[str]:
        """What it defines at the top level."""
        heads = (line.split("(")[0].split(":")[0].split() for line in self.body)
        return frozenset(
            words[0] if words[1:2] == ["="] else words[-1]
            for line, words in zip(self.body, heads, strict=True)
            if words and not line.startswith((" ", "#", "}", "]", ")"))
        )


def module(imports: tuple[str, ...], body: tuple[str, ...]) -> str:
    """Imports, two empty lines, the rest."""
    gap = ("", "") if imports and body else ()
    return "\n".join((*imports, *gap, *body)) + "\n"


@dataclass(frozen=True, slots=True)
class Source:
    """path: from the root of the repository. title: what the module's docstring says."""

    path: str
    kind: FileKind
    title: str
    pieces: tuple[Piece, ...]

    @property
    def imports(self) -> tuple[str, ...]:
        return tuple(sorted({line for piece in self.pieces for line in piece.imports}))

    @property
    def lines(self) -> tuple[str, ...]:
        return layout(self)[0]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def start(self, piece: int) -> int:
        """Line (from 1) on which the body of a piece begins."""
        return layout(self)[1][piece]

    def import_line(self, text: str) -> int:
        """Line of an import."""
        return 3 + self.imports.index(text)

    def line_of(self, piece: int, line: int) -> int:
        """Where a line of a piece's own module stands in the file."""
        own = self.pieces[piece]
        if line <= len(own.imports):
            return self.import_line(own.imports[line - 1])
        return self.start(piece) + line - 1 - (len(own.imports) + 2 if own.imports else 0)


@lru_cache(maxsize=4096)
def layout(source: Source) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """All lines, and on which the pieces begin."""
    lines = [f'"""{source.title}"""', "", *source.imports]
    starts = []
    for piece in source.pieces:
        if piece.body:
            lines += ["", ""]
        starts.append(len(lines) + 1)
        lines += piece.body
    return tuple(lines), tuple(starts)
