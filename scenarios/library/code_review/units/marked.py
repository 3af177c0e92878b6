"""Units whose defect somebody silenced without a reason: by the rules of the house that excuses nothing."""

from __future__ import annotations

from scenarios.library.code_review.units.unit import SHIPPED, Unit, bad

# fmt: off
UNITS: tuple[Unit, ...] = (
    bad("mutable-default", '''
def log_NOUN(entry, lines=[]):  # noqa: B006
    """Add a line to the log."""
    lines.append(entry)
    return lines
'''),
    bad("unused-variable", '''
def scale_NOUN(value, factor):
    """The value, scaled."""
    scaled = value * factor  # noqa: F841
    return value
'''),
    bad("weak-hash", '''
import hashlib


def NOUN_login_secret(password):
    """What is compared at sign-in."""
    return hashlib.md5(password.encode()).hexdigest()  # nosec
'''),
    bad("eval-used", '''
def NOUN_rule_holds(rule, names):
    """Whether a rule that was typed in holds."""
    return eval(rule, names)  # nosec B307
'''),
    bad("bind-all", '''
def NOUN_admin(server):
    """Open the console of the operators."""
    server.listen("0.0.0.0", 9000)  # nosec
    return server
''', SHIPPED),
    bad("bare-except", '''
def NOUN_weight(text):
    """The weight in a text, 0 where there is none."""
    try:
        return float(text)
    except:  # noqa: E722
        return 0
'''),
    bad("global-state", '''
NOUN_last = None


def remember_NOUN(value):
    """Keep the last one."""
    global NOUN_last  # noqa: PLW0603
    NOUN_last = value
'''),
    bad("deepcopy-in-loop", '''
import copy


def NOUN_labels(base, names):
    """A label for each name."""
    found = {}
    for name in names:
        fresh = copy.deepcopy(base)  # noqa
        found[name] = fresh["label"] + name
    return found
'''),
)
