"""What a scenario may be called. Light to import: forms and settings check it too."""

from __future__ import annotations

import re

TAKEN = frozenset({"new", "preview"})
"""Words of the catalogue's own addresses."""

_KEY = re.compile(r"[a-z][a-z0-9_-]{1,59}")


def is_key(text: str) -> bool:
    """Lower-case letters, digits, - and _, beginning with a letter; 2 to 60 of them."""
    return _KEY.fullmatch(text) is not None and text not in TAKEN
