"""Functions of the train split."""

from __future__ import annotations

from scenarios.library.collaborative_coding.functions.function import Function, made

FUNCTIONS: tuple[Function, ...] = (
    made(
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
    made(
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
    made(
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
    made(
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
    made(
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
    made(
        """
def is_even_pair(a, b):
    return a % 2 == 0 and b % 2 == 0
""",
        (2, 4),
        (2, 3),
        (5, 7),
    ),
    made(
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
    made(
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
    made(
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
    made(
        """
def join_names(first, last, middle):
    if middle is None:
        return first + " " + last
    return first + " " + middle + " " + last
""",
        ("Ann", "Lee", None),
        ("Ann", "Lee", "May"),
    ),
    made(
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
    made(
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
    made(
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
    made(
        """
def leap_year(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
""",
        (2000,),
        (1900,),
        (2024,),
        (2023,),
    ),
    made(
        """
def last_entry(rows, default):
    if rows is None:
        return default
    if len(rows) == 0:
        return default
    return rows[-1]
""",
        ([1, 2, 3], 0),
        ([], 7),
        (None, 4),
    ),
    made(
        """
def needs_check(entry, limit):
    if isinstance(entry, bool):
        return entry
    return entry < 0 or entry > limit
""",
        (True, 5),
        (False, 5),
        (3, 5),
        (-1, 5),
        (9, 5),
        (5, 5),
    ),
    made(
        """
def mean_gap(points):
    gaps = 0
    before = points[0]
    for point in points:
        gaps = gaps + abs(point - before)
        before = point
    return gaps / len(points)
""",
        ([1, 4, 9],),
        ([5, 2],),
    ),
    made(
        """
def to_hours(text, spare):
    try:
        minutes = int(text)
    except ValueError:
        return spare
    return minutes / 60
""",
        ("90", 0),
        ("soon", 2),
    ),
)
