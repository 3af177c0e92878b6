"""Units that are hard to read or against the conventions, and their harmless doubles."""

from __future__ import annotations

from scenarios.library.code_review.units.unit import SHIPPED, Unit, bad, fine

# fmt: off
UNITS: tuple[Unit, ...] = (
    bad("none-comparison", '''
def NOUN_or_default(value, default):
    """The value, or what stands in for it."""
    if value == None:
        return default
    return value
'''),
    fine("none-comparison", '''
def NOUN_unpaid(query, table):
    """Rows without a date of payment; the column overloads the comparison."""
    return query.filter(table.paid_at == None)
'''),
    bad("true-comparison", '''
def NOUN_enabled(settings):
    """Whether it is switched on."""
    return "on" if settings.enabled == True else "off"
'''),
    fine("true-comparison", '''
def NOUN_active(query, table):
    """Active rows; the column overloads the comparison."""
    return query.where(table.active == True)
'''),
    bad("type-comparison", '''
def NOUN_as_text(value):
    """A value in words."""
    if type(value) == float:
        return f"{value:.2f}"
    return str(value)
'''),
    fine("type-comparison", '''
class NounKey:
    """A key by which entries are found."""

    def __init__(self, code):
        self.code = code

    def __eq__(self, other):
        return type(self) == type(other) and self.code == other.code

    def __hash__(self):
        return hash(self.code)
'''),
    bad("bare-except", '''
def NOUN_count(text):
    """The count in a text, 0 where it says none."""
    try:
        return int(text)
    except:
        return 0
'''),
    fine("bare-except", '''
def NOUN_in_transaction(store, change):
    """Make a change, or none of it."""
    try:
        change(store)
    except:  # noqa: E722 - whatever it was, it is handed to the caller
        store.roll_back()
        store.fail()
'''),
    bad("lambda-assignment", '''
def NOUN_by_size(rows):
    """Rows, largest first."""
    size = lambda row: -row.size
    return sorted(rows, key=size)
'''),
    bad("ambiguous-name", '''
def NOUN_widths(lines):
    """Width of each line."""
    return {l.number: len(l.text) for l in lines}
'''),
    bad("unused-import", '''
import colorsys
''', SHIPPED),
    bad("unused-import", '''
import fractions
''', SHIPPED),
    fine("unused-import", '''
from statistics import median
''', ("package",)),
    bad("function-name", '''
def computeNounTotal(rows):
    """Sum of the amounts."""
    return sum(row.amount for row in rows)
'''),
    fine("function-name", '''
class NounPages:
    """Mixed into the handler of the standard library, which calls it by this name."""

    def do_GET(self):
        """Answer a request for a page."""
        self.send_response(200)
        self.end_headers()
'''),
    bad("variable-name", '''
def NOUN_mean(rows):
    """Mean size."""
    totalSize = sum(row.size for row in rows)
    return totalSize / len(rows)
'''),
    fine("variable-name", '''
def NOUN_fit(X, y, solve):
    """Weights of a linear model, named as in the textbook."""
    A = X.T @ X  # noqa: N806 - the name in the textbook
    return solve(A, X.T @ y)
'''),
    bad("shadowed-builtin", '''
def NOUN_summary(rows):
    """Smallest and largest size."""
    max = rows[-1].size
    return rows[0].size, max
'''),
    bad("nested-if", '''
def NOUN_discount(customer, total):
    """Discount of a good customer."""
    if customer.is_member:
        if total > 100:
            return total // 10
    return 0
'''),
    bad("in-keys", '''
def NOUN_known(table, key):
    """Whether a key is in the table."""
    return key in table.keys()
'''),
    bad("superfluous-else", '''
def NOUN_sign(value):
    """Which way it goes."""
    if value < 0:
        return "down"
    else:
        return "up"
'''),
    bad("percent-format", '''
def NOUN_title(name, year):
    """Name and year."""
    return "%s (%s)" % (name, year)
'''),
    bad("needless-pass", '''
class NounError(Exception):
    """Something about it is wrong."""

    pass
'''),
    bad("needless-bool", '''
def NOUN_is_late(due, today):
    """Whether the day has passed."""
    if due < today:
        return True
    return False
'''),
    bad("not-in-order", '''
def NOUN_missing(table, key):
    """Whether a key is absent."""
    return not key in table
'''),
    bad("empty-fstring", '''
def NOUN_greeting():
    """What the page says first."""
    return f"Welcome back"
'''),
    fine("long-line", '''
def NOUN_help():
    """Where to read more."""
    return "Every entry has a name and a size; the name has to be unique, and the size may not be negative"
'''),
    fine("long-line", '''
def NOUN_message(first, second, third):
    """What a clerk reads."""
    return f"{first} was sent to the store, {second} is on its way, and {third} waits for a signature"
'''),
    bad("print-left", '''
def NOUN_apply(rows, change):
    """Apply a change to every row."""
    for row in rows:
        print("row", row)
        change(row)
''', ("module", "package")),
    fine("print-left", '''
def NOUN_main(rows):
    """What the command prints."""
    print("rows:", len(rows))
''', ("script",)),
    bad("no-docstring", '''
def NOUN_merge(left, right):
    both = dict(left)
    both.update(right)
    return both
''', SHIPPED),
    fine("no-docstring", '''
def test_NOUN_merge(merge):
    both = merge({"a": 1}, {"b": 2})
    assert both == {"a": 1, "b": 2}
''', ("test",)),
    bad("dead-code", '''
def NOUN_price_of(row):
    """Price of a row."""
    # total = row.price * row.count
    return row.price
'''),
    bad("ownerless-todo", '''
def NOUN_limit(plan):
    """How many a plan includes."""
    # TODO: the free plan gets fewer
    return plan.limit
'''),
    bad("global-state", '''
NOUN_current = None


def set_NOUN(value):
    """Choose what is worked on."""
    global NOUN_current
    NOUN_current = value
'''),
    fine("global-state", '''
NOUN_pool = None


def NOUN_connect(make):
    """The pool, made at first use."""
    global NOUN_pool  # noqa: PLW0603 - one pool per process
    NOUN_pool = NOUN_pool or make()
    return NOUN_pool
'''),
    bad("too-many-arguments", '''
def NOUN_create(name, size, price, colour, weight, owner, place):
    """A new entry."""
    return (name, size, price, colour, weight, owner, place)
'''),
    fine("too-many-arguments", '''
class NounRow:
    """One row, with a field for each column."""

    def __init__(self, name, size, price, colour, weight, owner, place):
        self.key = (name, size, price)
        self.look = (colour, weight)
        self.held = (owner, place)
'''),
    bad("too-complex", '''
def NOUN_fee(order, customer):
    """What sending costs."""
    fee = 5
    if order.weight > 20 and order.fragile:
        fee += 10
    for item in order.items:
        if item.cold and not item.packed:
            fee += 2
        elif item.large or item.long:
            fee += 3 if customer.member else 4
    while order.stops and fee < 100:
        fee += 1
        if order.stops.pop().remote:
            fee += 2
        elif order.night:
            fee += 1
    return fee if not customer.free or order.express else 0
'''),
    fine("too-complex", '''
def NOUN_symbol(name):
    """The symbol for a name."""
    if name == "plus":
        return "+"
    if name == "minus":
        return "-"
    if name == "times":
        return "*"
    if name == "over":
        return "/"
    if name == "equal":
        return "="
    if name == "less":
        return "<"
    if name == "more":
        return ">"
    if name == "and":
        return "&"
    if name == "or":
        return "|"
    return "?"
'''),
    bad("deep-nesting", '''
def NOUN_scan(folders):
    """Number of bad entries."""
    count = 0
    for folder in folders:
        for file in folder.files:
            if file.open:
                for entry in file.entries:
                    if entry.bad:
                        count += 1
    return count
'''),
)
