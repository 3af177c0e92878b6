"""The user's words: a question in one of its phrasings, its conditions, the file, and answers to questions back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.core.draws import Draws
from scenarios.core.tasks import Task
from scenarios.core.types import Difficulty, Split
from scenarios.core.wording import book, every
from scenarios.library.data_analysis.requests import Request

if TYPE_CHECKING:
    from scenarios.library.data_analysis.world import Case

_FOLDER = Path(__file__).parent / "wording"
_CHATTER: Mapping[Difficulty, float] = {"easy": 0.1, "medium": 0.3, "hard": 0.5}


@dataclass(frozen=True, slots=True)
class Slots:
    """What a phrase is filled with. words: slot -> text. conditions: (key of the book's `where`, slot -> text). phrase: its key."""

    phrase: str
    words: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def wording(split: Split) -> frozenset[str]:
    return every(_FOLDER, split)


def aliens(split: Split) -> tuple[str, ...]:
    """Things that no file of the split holds."""
    return tuple(book(_FOLDER, split)["alien"])


def opening(task: Task, case: Case, draws: Draws) -> str:
    """The user's first message."""
    text, slots = book(_FOLDER, task.split), case.slots
    if slots is None:
        raise ValueError("a case without slots needs its text")
    parts = [
        draws.pick(text["where"][key]).format(**dict(words)) for key, words in slots.conditions
    ]
    where = "".join(
        f" {part}" if n == 0 else f" {draws.pick(text['and'])} {part}"
        for n, part in enumerate(parts)
    )
    question = draws.pick(text[slots.phrase]).format(**dict(slots.words), where=where)
    question = question[:1].upper() + question[1:]
    frames = text["nameless" if case.request.ask_file else "frames"]
    message = str(draws.pick(frames).format(q=question, file=f'"{case.request.file}"'))
    chatter = text["chatter"]
    if draws.chance(_CHATTER[task.difficulty]):
        message = f"{draws.pick(chatter)} {message}"
    if draws.chance(_CHATTER[task.difficulty] / 2):
        message = f"{message} {draws.pick(chatter)}"
    return message


def reply(task: Task, request: Request, wanted: str, draws: Draws) -> str:
    """The answer to a question back. wanted: the name of the milestone that it was due for."""
    text = book(_FOLDER, task.split)
    if wanted == "which_file":
        return str(draws.pick(text["which_file"]).format(file=f'"{request.file}"'))
    if wanted == "which_column":
        return str(draws.pick(text["which_column"]).format(column=request.measure))
    return str(draws.pick(text["nothing_more"]))
