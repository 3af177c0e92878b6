"""Units without anything to find, written apart for each split."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Split
from scenarios.library.code_review.units.unit import Unit, clean

# fmt: off
CLEAN: Mapping[Split, tuple[Unit, ...]] = {
    "train": (
        clean('''
def NOUN_pairs(first, second):
    """Pairs of two lists, as far as both go."""
    return dict(zip(first, second, strict=False))
'''),
        clean('''
class NounBox:
    """Holds at most a number of entries."""

    def __init__(self, size):
        self.size = size
        self.entries = {}

    def put(self, key, entry):
        """Add an entry; an older one with the key is replaced."""
        if key not in self.entries and len(self.entries) >= self.size:
            raise ValueError("the box is full")
        self.entries[key] = entry
'''),
        clean('''
def split_NOUN_line(line):
    """Key and value of a line such as `key = value`."""
    key, found, value = line.partition("=")
    if not found:
        raise ValueError("no equals sign")
    return key.strip(), value.strip()
'''),
        clean('''
def NOUN_pages(count, size):
    """How many pages that many rows fill."""
    return -(-count // size)
'''),
        clean('''
def NOUN_between(rows, start, end):
    """Rows of a period; the end is not part of it."""
    return [row for row in rows if start <= row.day < end]
'''),
        clean('''
from collections import Counter


def frequent_NOUN(names, least):
    """Names that occur at least so often."""
    counts = Counter(names)
    return {name for name, count in counts.items() if count >= least}
'''),
        clean('''
def NOUN_to_text(parts):
    """Parts as one line, empty ones left out."""
    return ", ".join(part for part in parts if part)
'''),
        clean('''
from pathlib import Path


def NOUN_folder(root, name):
    """Folder of a name, made if need be."""
    folder = Path(root) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
'''),
        clean('''
import hashlib


def NOUN_digest(content):
    """The digest that proves that a content is unchanged."""
    return hashlib.sha256(content).hexdigest()
'''),
        clean('''
import secrets


def NOUN_invitation():
    """A token that nobody can guess."""
    return secrets.token_urlsafe(16)
'''),
        clean('''
def chunks_of_NOUN(rows, size):
    """Rows in groups of a size."""
    return [rows[at : at + size] for at in range(0, len(rows), size)]
'''),
        clean('''
def NOUN_query(cursor, owner):
    """Rows of an owner."""
    cursor.execute("SELECT id FROM NOUN WHERE owner = ?", (owner,))
    return cursor.fetchall()
'''),
    ),
    "validation": (
        clean('''
def merge_NOUN_settings(defaults, given):
    """Defaults with what was given on top."""
    return {**defaults, **given}
'''),
        clean('''
def NOUN_ratio(part, whole):
    """A share in percent, rounded."""
    if not whole:
        return 0
    return round(100 * part / whole)
'''),
        clean('''
class NounCounter:
    """Counts events by name."""

    def __init__(self):
        self.seen = {}

    def note(self, name):
        """One more of a name."""
        self.seen[name] = self.seen.get(name, 0) + 1
'''),
        clean('''
from itertools import groupby


def NOUN_by_owner(rows):
    """Rows by owner; they have to be sorted already."""
    return {owner: list(group) for owner, group in groupby(rows, lambda row: row.owner)}
'''),
        clean('''
import json


def load_NOUN_json(path):
    """Settings from a file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)
'''),
    ),
    "test": (
        clean('''
def NOUN_initial(name, fallback):
    """First letter of a name."""
    return name[0].upper() if name else fallback
'''),
        clean('''
class NounQueue:
    """First in, first out."""

    def __init__(self, entries):
        self.waiting = list(entries)
        self.done = []

    def finish(self, entry):
        """An entry is done."""
        self.waiting.remove(entry)
        self.done.append(entry)
'''),
        clean('''
from collections import defaultdict


def NOUN_by_town(rows):
    """Rows by town."""
    found = defaultdict(set)
    for row in rows:
        found[row.town].add(row.name)
    return dict(found)
'''),
        clean('''
def NOUN_range(values):
    """Distance between the smallest and the largest value."""
    return max(values) - min(values) if values else 0
'''),
        clean('''
import subprocess


def NOUN_version():
    """Version of the installed program."""
    return subprocess.run(["/usr/bin/env", "python3", "--version"], check=True)
'''),
        clean('''
from datetime import UTC, datetime


def NOUN_now():
    """The current time, with its zone."""
    return datetime.now(tz=UTC)
'''),
        clean('''
def parse_NOUN_flag(text):
    """Yes or no."""
    known = {"yes": True, "no": False}
    if text not in known:
        raise ValueError("yes or no is expected")
    return known[text]
'''),
        clean('''
def NOUN_overlap(first, second):
    """What two groups share, in order."""
    return sorted(set(first) & set(second))
'''),
    ),
}
