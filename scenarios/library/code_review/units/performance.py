"""Units that are slow for no reason, and their harmless doubles."""

from __future__ import annotations

from scenarios.library.code_review.units.unit import Unit, bad, fine

# fmt: off
UNITS: tuple[Unit, ...] = (
    bad("manual-list", '''
def NOUN_names(rows):
    """Names of all rows."""
    names = []
    for row in rows:
        names.append(row.name)
    return names
'''),
    fine("manual-list", '''
def NOUN_columns(row):
    """The three columns that the printer knows."""
    columns = []
    for key in ("name", "size", "price"):
        columns.append(row[key])
    return columns
'''),
    bad("items-unused", '''
def NOUN_sizes(table):
    """Size of every entry."""
    total = 0
    for _, value in table.items():
        total += value.size
    return total
'''),
    bad("needless-list", '''
def NOUN_widest(rows):
    """The first width into which all rows fit."""
    widths = [40, 80, 120]
    for width in list(widths):
        if all(row.width <= width for row in rows):
            return width
    return None
'''),
    bad("string-building", '''
def NOUN_report(rows):
    """One line for each row."""
    text = ""
    for row in rows:
        text += f"{row.name}: {row.size}\\n"
    return text
'''),
    fine("string-building", '''
def NOUN_initials(person):
    """Two letters for the badge."""
    text = ""
    for part in ("first", "last"):
        text += person[part][:1]
    return text
'''),
    bad("list-membership", '''
def NOUN_unknown(rows, names):
    """How many rows have a name that is not on the list."""
    known = [name.lower() for name in names]
    return sum(row.name not in known for row in rows)
'''),
    fine("list-membership", '''
def NOUN_weekend(days):
    """How many days are on a weekend."""
    free = ["saturday", "sunday"]
    return sum(day.name in free for day in days)
'''),
    bad("compile-in-loop", '''
import re


def NOUN_dates(lines):
    """How many lines begin with a date."""
    count = 0
    for line in lines:
        count += bool(re.compile(r"[0-9]{4}-[0-9]{2}").match(line))
    return count
'''),
    fine("compile-in-loop", '''
import re


def NOUN_hits(text, words):
    """How often each word occurs."""
    count = 0
    for word in words:
        count += len(re.compile(re.escape(word)).findall(text))
    return count
'''),
    bad("list-in-any", '''
def NOUN_has_open(rows):
    """Whether anything is still open."""
    return any([row.state == "open" for row in rows])
'''),
    bad("sorted-for-min", '''
def NOUN_cheapest(prices):
    """The lowest price."""
    return sorted(prices)[0]
'''),
    bad("query-in-loop", '''
def NOUN_owners(cursor, keys):
    """Owner of each key."""
    owners = {}
    for key in keys:
        cursor.execute("SELECT owner FROM NOUN WHERE id = ?", (key,))
        owners[key] = cursor.fetchone()
    return owners
'''),
    fine("query-in-loop", '''
def NOUN_store_all(cursor, batches):
    """Store all rows, a thousand at a time."""
    for batch in batches:
        cursor.executemany("INSERT INTO NOUN VALUES (?)", batch)
'''),
    bad("deepcopy-in-loop", '''
import copy


def NOUN_variants(base, names):
    """One variant for each name."""
    found = {}
    for name in names:
        fresh = copy.deepcopy(base)
        found[name] = (name, fresh["size"])
    return found
'''),
    fine("deepcopy-in-loop", '''
import copy


def NOUN_players(base, names):
    """One state for each player, changed on its own later."""
    found = {}
    for name in names:
        fresh = copy.deepcopy(base)  # noqa: AG305 - each player changes its own copy
        found[name] = fresh
    return found
'''),
    bad("blocking-sleep", '''
import time


async def poll_NOUN(queue):
    """Wait for the next message."""
    while queue.empty():
        time.sleep(1)
    return queue.get_nowait()
'''),
    bad("readlines", '''
def NOUN_longest(path):
    """Length of the longest line."""
    longest = 0
    with open(path, encoding="utf-8") as file:
        for line in file.readlines():
            longest = max(longest, len(line))
    return longest
'''),
    bad("readlines", '''
def NOUN_errors(path):
    """How many lines speak of an error."""
    with open(path, encoding="utf-8") as file:
        return sum("error" in line for line in file.readlines())
'''),
    bad("sum-of-lists", '''
def NOUN_flat(groups):
    """All members of all groups."""
    return sum(groups, [])
'''),
    bad("eager-log", '''
import logging

NOUN_logger = logging.getLogger("NOUN")


def NOUN_step(rows):
    """Look at each row."""
    for row in rows:
        NOUN_logger.debug(f"row {row!r}")
    return len(rows)
'''),
    fine("eager-log", '''
import logging

NOUN_errors_logger = logging.getLogger("NOUN.errors")


def NOUN_failed(problem):
    """Tell the operators that something is broken."""
    NOUN_errors_logger.error(f"failed: {problem!r}")
    return False
'''),
    bad("double-cast", '''
def NOUN_ordered(rows):
    """Rows without duplicates, in order."""
    return sorted(list(set(rows)))
'''),
    bad("first-of-list", '''
def NOUN_any_key(table):
    """Some key of a table."""
    return list(table)[0]
'''),
    bad("pop-front", '''
def NOUN_drain(queue, handle):
    """Handle everything that waits, oldest first."""
    while queue:
        handle(queue.pop(0))
'''),
    bad("sort-in-loop", '''
def NOUN_medians(rows, values):
    """Rank of each row among the values."""
    ranks = {}
    for row in rows:
        ordered = sorted(values)
        ranks[row] = ordered.index(row)
    return ranks
'''),
    bad("count-by-list", '''
def NOUN_overdue(rows, today):
    """How many rows are overdue."""
    return len([row for row in rows if row.due < today])
'''),
    fine("count-by-list", '''
def NOUN_doors(car):
    """How many doors are open."""
    return len([door for door in ("left", "right") if car[door]])
'''),
)
