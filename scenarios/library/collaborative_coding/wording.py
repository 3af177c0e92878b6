"""What a request says, and the names that a split can draw beside its functions."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Split

REQUESTS: Mapping[Split, tuple[str, ...]] = {
    "train": (
        "Please get {module}.py ready to merge.",
        "{module}.py should be merged today, have it checked.",
        "Can you take care of {module}.py until it can be merged?",
        "I changed {module}.py, please clean it up and merge it.",
        "Make sure that {module}.py is fine, then merge.",
        "Bring {module}.py into shape for the main branch.",
        "There is something wrong with {module}.py. Repair and merge it, please.",
        "We want {module}.py on the main branch before the release.",
        "Look after {module}.py: review, tests, merge.",
        "My last change to {module}.py was done in a hurry, please fix what is broken.",
        "{module}.py has a few rough edges; merge it once they are gone.",
        "Could the team check {module}.py and merge it?",
        "The build complains about {module}.py. Please sort it out and merge.",
        "{module}.py pls, fix and merge",
    ),
    "validation": (
        "Somebody touched {module}.py, please put it in order.",
        "Have {module}.py reviewed and land it.",
        "I am not sure about {module}.py; correct it if needed and integrate it.",
        "{module}.py waits for you: mend what is bad, then integrate.",
        "Would your team finish {module}.py?",
    ),
    "test": (
        "Kindly finish the work on {module}.py.",
        "{module}.py is next in the queue; see that it gets in.",
        "Would you see {module}.py through to the merge?",
        "A colleague left {module}.py half done, can it go in by tonight?",
        "Whatever is the matter with {module}.py, set it right and let it in.",
        "Two of us edited {module}.py at once; sort out the result.",
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
SHADOWED: Mapping[Split, tuple[str, ...]] = {
    "train": ("id", "input", "hash"),
    "validation": ("vars", "dir"),
    "test": ("format", "iter"),
}
"""Names of Python's own that a constant hides."""
SECRETS: Mapping[Split, tuple[str, ...]] = {
    "train": ("letmein", "sesame", "swordfish", "qwerty"),
    "validation": ("opensaysme", "trustno1"),
    "test": ("hunter2", "changeme", "iloveyou"),
}
"""Passwords that somebody left in a file."""
