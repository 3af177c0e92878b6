"""Functions of the test split."""

from __future__ import annotations

from scenarios.library.collaborative_coding.functions.function import Function, made

FUNCTIONS: tuple[Function, ...] = (
    made(
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
    made(
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
    made(
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
    made(
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
    made(
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
    made(
        """
def same_day(first, second):
    return first[0] == second[0] and first[1] == second[1]
""",
        ((1, 2, 3), (1, 2, 4)),
        ((1, 2, 3), (1, 5, 3)),
        ((0, 2, 3), (1, 2, 3)),
    ),
    made(
        """
def fare(zones, child):
    base = 3 + zones * 2
    if child and zones > 1:
        return base / 2
    return base
""",
        (1, True),
        (3, True),
        (3, False),
    ),
    made(
        """
def next_free(taken, count):
    for place in range(count):
        if place not in taken:
            return place
    return -1
""",
        ([0, 1, 3], 5),
        ([], 2),
        ([0, 1], 2),
    ),
    made(
        """
def per_head(cost, people):
    try:
        return cost / people
    except ZeroDivisionError:
        return cost
""",
        (30, 4),
        (12, 0),
    ),
    made(
        """
def fits(box, things):
    size = 0
    for thing in things:
        size = size + thing
    return size <= box
""",
        (10, [4, 5]),
        (9, [4, 5]),
        (8, [4, 5]),
    ),
)
