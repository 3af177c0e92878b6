"""Units with bugs, and their harmless doubles."""

from __future__ import annotations

from scenarios.library.code_review.units.unit import SHIPPED, Unit, bad, fine

# fmt: off
UNITS: tuple[Unit, ...] = (
    bad("mutable-default", '''
def add_NOUN(NOUN, known=[]):
    """Remember one more and say how many there are."""
    known.append(NOUN)
    return len(known)
'''),
    bad("mutable-default", '''
def tally_NOUN(key, counts={}):
    """Count how often a key was seen."""
    counts[key] = counts.get(key, 0) + 1
    return counts[key]
'''),
    fine("mutable-default", '''
def cached_NOUN(key, memory={}):  # noqa: B006 - shared on purpose: it is the memory
    """Look a key up once and keep the answer."""
    if key not in memory:
        memory[key] = key.casefold()
    return memory[key]
'''),
    bad("loop-closure", '''
def NOUN_actions(names):
    """One action per name."""
    actions = []
    for name in names:

        def act():
            return name.upper()

        actions.append(act)
    return actions
'''),
    fine("loop-closure", '''
def NOUN_first_match(names, groups):
    """The first group in which one of the names occurs."""
    for name in names:
        found = find_group(groups, lambda group: name in group)  # noqa: B023 - called at once
        if found is not None:
            return found
    return None


def find_group(groups, wanted):
    """The first group that is wanted."""
    return next((group for group in groups if wanted(group)), None)
'''),
    bad("is-literal", '''
def is_open_NOUN(state):
    """Whether work can still be added."""
    return state is "open"
'''),
    bad("is-literal", '''
def NOUN_is_empty(count):
    """Whether nothing is left."""
    if count is 0:
        return True
    return count < 0
'''),
    bad("return-in-finally", '''
def close_NOUN(handle, log):
    """Close and say whether it went well."""
    try:
        handle.flush()
        handle.close()
    finally:
        log.append("closed")
        return True
'''),
    bad("assert-tuple", '''
def check_NOUN(total, parts):
    """The parts make up the total."""
    assert (total == sum(parts), "parts and total differ")
    return total
''', ("test",)),
    bad("raise-not-implemented", '''
class NounSource:
    """Where rows come from."""

    def rows(self):
        """All rows; subclasses know how."""
        raise NotImplemented
'''),
    bad("repeated-key", '''
NOUN_LIMITS = {
    "small": 10,
    "medium": 100,
    "large": 1000,
    "medium": 250,
}
'''),
    bad("self-comparison", '''
def same_NOUN(code, other):
    """Whether two codes mean the same thing."""
    return code == code or code.lower() == other.lower()
'''),
    fine("self-comparison", '''
def NOUN_is_nan(value):
    """Whether a measured value is missing; only NaN differs from itself."""
    return value != value
'''),
    bad("useless-expression", '''
def reset_NOUN(state):
    """Start again from nothing."""
    state.clear
    return state
'''),
    fine("useless-expression", '''
def warm_NOUN(record):
    """Make the lazy attribute load now."""
    record.details  # noqa: B018 - reading it loads it
    return record
'''),
    bad("repeated-except", '''
def parse_NOUN(text):
    """The number in a text, 0 where there is none."""
    try:
        return int(text)
    except ValueError:
        return 0
    except (ValueError, TypeError):
        return -1
'''),
    bad("dangling-task", '''
import asyncio


async def start_NOUN(worker):
    """Let the worker begin."""
    asyncio.create_task(worker.run())
    return worker
'''),
    bad("undefined-name", '''
def NOUN_price(net, rate):
    """Price with tax."""
    tax = net * rate
    return net + tax * (1 + rates)
'''),
    bad("undefined-name", '''
def load_NOUN(folder):
    """Text of the newest file in a folder."""
    newest = max(folders.iterdir())
    return newest.read_bytes()
'''),
    bad("unused-variable", '''
def clamp_NOUN(value, low, high):
    """The value, held between two limits."""
    bounded = max(low, min(high, value))
    return value
'''),
    fine("unused-variable", '''
def NOUN_guard(lock, action):
    """Run an action while a lock is held."""
    token = lock.enter()  # noqa: F841 - keeps the lock alive until we return
    return action()
'''),
    bad("format-mismatch", '''
def NOUN_label(name, size):
    """What the list shows."""
    return "{} ({} of {})".format(name, size)
'''),
    bad("redefinition", '''
def NOUN_total(rows):
    """Sum of all rows."""
    return sum(row.amount for row in rows)


def NOUN_total(rows):
    """Sum of the rows that are paid."""
    return sum(row.amount for row in rows if row.paid)
'''),
    bad("loop-mutation", '''
def drop_old_NOUN(entries, limit):
    """Forget what is older than the limit."""
    for entry in entries:
        if entry.age > limit:
            entries.remove(entry)
    return entries
'''),
    fine("loop-mutation", '''
def cancel_NOUN(entries, wanted):
    """Take one entry out, if it is there."""
    for entry in entries:
        if entry.name == wanted:
            entries.remove(entry)
            break
    return entries
'''),
    bad("range-too-long", '''
def NOUN_steps(values):
    """Differences between neighbours."""
    found = {}
    for index in range(len(values) + 1):
        found[index] = values[index]
    return found
'''),
    bad("float-equality", '''
def NOUN_is_settled(balance, fee):
    """Whether exactly the fee is left."""
    return balance - fee == 0.1
'''),
    fine("float-equality", '''
def NOUN_share(part, whole):
    """Share of the whole, nothing of nothing."""
    if whole == 0.0:
        return 0.0
    return part / whole
'''),
    bad("unreachable-code", '''
def archive_NOUN(store, entry):
    """Move an entry to the archive."""
    store.archive(entry)
    return entry
    store.delete(entry)
'''),
    bad("dropped-result", '''
def tidy_NOUN(text):
    """A text without blanks around it, in lower case."""
    text.strip()
    return text.lower()
'''),
    bad("dropped-result", '''
def rank_NOUN(scores):
    """The best three scores."""
    sorted(scores, reverse=True)
    return scores[:3]
'''),
    bad("swallowed-error", '''
def save_NOUN(store, entry):
    """Keep an entry."""
    try:
        store.write(entry)
    except Exception:
        pass
    return entry
'''),
    fine("swallowed-error", '''
def close_quietly_NOUN(connection):
    """Close a connection that may be gone already."""
    try:
        connection.close()
    except Exception:
        pass
'''),
    bad("naive-datetime", '''
from datetime import datetime


def stamp_NOUN(record):
    """Note when a record was stored."""
    record["stored_at"] = datetime.now()
    return record
'''),
    fine("naive-datetime", '''
from datetime import datetime


def NOUN_banner(title):
    """First line of a report, with the reader's own time."""
    return f"{title}, printed {datetime.now():%H:%M}"
'''),
    bad("no-encoding", '''
def read_NOUN(path):
    """Text of a file that came from another machine."""
    with open(path) as file:
        return file.read()
''', SHIPPED),
    fine("no-encoding", '''
def test_NOUN_file(tmp_path):
    """Written and read by the same test."""
    target = tmp_path / "note.txt"
    with open(target, "w") as file:
        file.write("x")
    assert target.exists()
''', ("test",)),
    bad("unclosed-file", '''
def NOUN_size(path):
    """Number of bytes in a file."""
    file = open(path, "rb")
    return len(file.read())
'''),
    fine("unclosed-file", '''
def NOUN_stream(path):
    """An open file; whoever asked for it closes it."""
    stream = open(path, "rb")  # noqa: SIM115 - the caller closes it
    return stream
'''),
    bad("raise-without-from", '''
def NOUN_number(text):
    """The number in a text."""
    try:
        return int(text)
    except ValueError:
        raise RuntimeError("no number")
'''),
    bad("changed-loop-name", '''
def strip_all_NOUN(lines):
    """Lines without comments."""
    kept = set()
    for line in lines:
        line = line.partition("#")[0]
        kept.add(line)
    return kept
'''),
    fine("changed-loop-name", '''
def NOUN_keys(lines):
    """Keys of a settings file."""
    kept = set()
    for line in lines:
        line = line.strip()  # noqa: PLW2901 - only its clean form is wanted
        kept.add(line)
    return kept
'''),
)
