"""How users ask for a review: hand-written phrases, one JSON file per split, no phrase in two of them.

`file` names the file and `nofile` does not; `scope` says what the review is about, `aside` what it is not about; `waiver`
accepts a family of rules; `chatter` says nothing; `reply_file` answers a question, and so does `nothing`. Where a split
has them, requests are also put together: a topic of `topics` (two with one of `joins`) in one of `frames` or
`unframes`, one of `accepted` in one of `accepts`. `names`, `folders`, `titles` and `foreign` are what the files are
called and made of. There is no apostrophe in any of them: a path in quotation marks has to stay one span.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenarios.core import wording
from scenarios.core.types import Split

_HERE = Path(__file__).parent


def book(split: Split) -> dict[str, Any]:
    """Everything that a split can say."""
    return wording.book(_HERE, split)


def every(split: Split) -> frozenset[str]:
    """All phrases and names of a split."""
    return wording.every(_HERE, split)
