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
    """Sorted import lines, the lines below them, and both as a module of their own."""

    imports: tuple[str, ...]
    body: tuple[str, ...]
    text: str

    @property
    def head(self) -> int:
        """Lines of `text` above the body."""
        return len(self.imports) + 2 if self.imports and self.body else len(self.imports)


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
        return self.start(piece) + line - 1 - own.head


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
