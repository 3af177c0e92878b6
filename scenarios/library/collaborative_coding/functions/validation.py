"""Functions of the validation split."""

from __future__ import annotations

from scenarios.library.collaborative_coding.functions.function import Function, made

FUNCTIONS: tuple[Function, ...] = (
    made(
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
    made(
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
    made(
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
    made(
        """
def in_range(value, low, high):
    return value >= low and value <= high
""",
        (3, 1, 5),
        (1, 1, 5),
        (9, 1, 5),
    ),
    made(
        """
def unit_of(amount, units):
    if isinstance(amount, float):
        return units[1]
    if amount <= 1:
        return units[0]
    return "many " + units[0]
""",
        (1.5, ["box", "litre"]),
        (1, ["box", "litre"]),
        (4, ["box", "litre"]),
    ),
    made(
        """
def share_of(part, whole):
    try:
        return 100 * part / whole
    except ZeroDivisionError:
        return 0
""",
        (3, 4),
        (2, 0),
    ),
    made(
        """
def tallest(heights, start):
    top = start
    for height in heights:
        if height > top:
            top = height
    return top
""",
        ([3, 8, 5], 0),
        ([2], 6),
        ([], 1),
    ),
    made(
        """
def is_weekend(day, holiday):
    return day == 6 or day == 0 or holiday
""",
        (6, False),
        (0, False),
        (3, False),
        (3, True),
    ),
)
