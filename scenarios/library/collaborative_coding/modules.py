"""Where the shared file comes from: small functions per split, each with the arguments that its tests call it with.

What a function has to return is not written down: it is what the whole function returns before a defect is planted.
No loop here depends on what a defect can change, so that tests always come to an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.core.types import Split


@dataclass(frozen=True, slots=True)
class Function:
    """A function's source, and the arguments of its tests, as a literal."""

    name: str
    source: str
    calls: str

    @property
    def lines(self) -> list[str]:
        return self.source.strip("\n").split("\n")


def _function(source: str, *calls: tuple[Any, ...]) -> Function:
    text = source.strip("\n")
    return Function(text.split("def ")[1].split("(")[0], text, repr(calls))


FUNCTIONS: Mapping[Split, tuple[Function, ...]] = {
    "train": (
        _function(
            """
def order_total(prices, discount):
    if discount is None:
        discount = 0
    total = sum(prices)
    return total - total * discount
""",
            ([10, 20], 0.5),
            ([3], None),
            ([], None),
        ),
        _function(
            """
def first_word(text):
    parts = text.split()
    if len(parts) == 0:
        return ""
    return parts[0]
""",
            ("red blue",),
            ("",),
            ("one",),
        ),
        _function(
            """
def count_long(words, limit):
    count = 0
    for word in words:
        if len(word) > limit:
            count = count + 1
    return count
""",
            (["a", "abcd", "abc"], 3),
            (["abcde", "abcdef"], 4),
            ([], 2),
        ),
        _function(
            """
def clamp(value, low, high):
    if value < low:
        return low
    if value > high:
        return high
    return value
""",
            (5, 1, 9),
            (-3, 0, 4),
            (12, 2, 7),
        ),
        _function(
            """
def parse_age(text):
    try:
        age = int(text)
    except ValueError:
        return -1
    return age + 0
""",
            ("41",),
            ("old",),
            ("7",),
        ),
        _function(
            """
def is_even_pair(a, b):
    return a % 2 == 0 and b % 2 == 0
""",
            (2, 4),
            (2, 3),
            (5, 7),
        ),
        _function(
            """
def widest(items):
    best = items[0]
    for item in items:
        if len(item) > len(best):
            best = item
    return best
""",
            (["a", "bbb", "cc"],),
            (["xx", "y"],),
        ),
        _function(
            """
def average(numbers):
    if not numbers:
        return 0
    return sum(numbers) / len(numbers)
""",
            ([2, 4],),
            ([],),
            ([9],),
        ),
        _function(
            """
def label_of(score, names):
    if isinstance(score, str):
        return score
    if score >= 10:
        return names[0]
    return names[1]
""",
            (12, ["good", "bad"]),
            (10, ["good", "bad"]),
            ("x", ["good", "bad"]),
        ),
        _function(
            """
def join_names(first, last, middle):
    if middle is None:
        return first + " " + last
    return first + " " + middle + " " + last
""",
            ("Ann", "Lee", None),
            ("Ann", "Lee", "May"),
        ),
        _function(
            """
def shipping_cost(weight, express):
    cost = 5 + weight * 2
    if express:
        cost = cost + 10
    return cost
""",
            (3, False),
            (1, True),
        ),
        _function(
            """
def safe_ratio(top, bottom):
    try:
        return top / bottom
    except ZeroDivisionError:
        return 0
""",
            (6, 3),
            (1, 0),
        ),
        _function(
            """
def keep_positive(values):
    kept = []
    for value in values:
        if value > 0:
            kept.append(value)
    return kept
""",
            ([1, -2, 3, 0],),
            ([-1],),
        ),
        _function(
            """
def leap_year(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
""",
            (2000,),
            (1900,),
            (2024,),
            (2023,),
        ),
    ),
    "validation": (
        _function(
            """
def late_fee(days, rate):
    if rate is None:
        rate = 2
    if days > 30:
        return 30 * rate
    return days * rate
""",
            (10, None),
            (45, 3),
            (30, 1),
        ),
        _function(
            """
def initials(names):
    letters = []
    for name in names:
        letters.append(name[0])
    return "".join(letters)
""",
            (["Ada", "Bob"],),
            (["Zoe"],),
        ),
        _function(
            """
def read_port(text):
    try:
        port = int(text)
    except ValueError:
        return 80
    return port
""",
            ("8080",),
            ("none",),
        ),
        _function(
            """
def in_range(value, low, high):
    return value >= low and value <= high
""",
            (3, 1, 5),
            (1, 1, 5),
            (9, 1, 5),
        ),
    ),
    "test": (
        _function(
            """
def seat_price(row, member):
    if member is None:
        member = False
    price = 40 - row * 2
    if member:
        price = price - 5
    return price
""",
            (3, True),
            (1, None),
            (2, False),
        ),
        _function(
            """
def shortest(lines):
    found = lines[0]
    for line in lines:
        if len(line) < len(found):
            found = line
    return found
""",
            (["abc", "x", "yz"],),
            (["q", "rr"],),
        ),
        _function(
            """
def to_minutes(text):
    try:
        hours = int(text)
    except ValueError:
        return 0
    return hours * 60
""",
            ("2",),
            ("noon",),
        ),
        _function(
            """
def grade(points, passed):
    if isinstance(points, str):
        return points
    if points >= 50 and passed:
        return "pass"
    return "fail"
""",
            (60, True),
            (50, True),
            (49, True),
            (80, False),
            ("absent", False),
        ),
        _function(
            """
def running_total(amounts):
    total = 0
    sums = []
    for amount in amounts:
        total = total + amount
        sums.append(total)
    return sums
""",
            ([1, 2, 3],),
            ([5],),
        ),
        _function(
            """
def same_day(first, second):
    return first[0] == second[0] and first[1] == second[1]
""",
            ((1, 2, 3), (1, 2, 4)),
            ((1, 2, 3), (1, 5, 3)),
            ((0, 2, 3), (1, 2, 3)),
        ),
    ),
}
MODULES: Mapping[Split, tuple[str, ...]] = {
    "train": ("billing", "catalog", "mailer", "planner", "reports", "sensors", "tickets", "wallet"),
    "validation": ("ledger", "roster", "timers"),
    "test": ("bookings", "courses", "parking", "theatre"),
}
UNUSED: Mapping[Split, tuple[str, ...]] = {
    "train": ("os", "sys", "json", "math", "time", "random"),
    "validation": ("csv", "string"),
    "test": ("decimal", "itertools", "copy"),
}
"""Modules that an unused import names."""
