"""Ways to write a place differently: each takes a text and a finding, and returns the new text, or the old one.

They look at the shape of the lines only; whether the result parses and helps is found out by who uses them.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable

from scenarios.library.code_review.engines import Found

Way = Callable[[str, Found], str]


def in_line(pattern: str, new: str, needs: str = "") -> Way:
    """Rewrite the line itself; `needs` is an import that the new line uses."""
    compiled = re.compile(pattern)

    def way(text: str, found: Found) -> str:
        lines = text.split("\n")
        lines[found.line - 1] = compiled.sub(new, lines[found.line - 1], count=1)
        changed = "\n".join(lines)
        return _with_import(changed, needs) if needs and changed != text else changed

    return way


def _with_import(text: str, needed: str) -> str:
    lines = text.split("\n")
    if needed in lines:
        return text
    count = next(
        (i for i, line in enumerate(lines) if not line.startswith(("import ", "from "))), 0
    )
    return "\n".join(
        (*sorted((*lines[:count], needed)), *([] if count else ["", ""]), *lines[count:])
    )


def to_the_end(pattern: str, new: str) -> Way:
    """Rewrite every occurrence from the line on, to the end of the function."""
    compiled = re.compile(pattern)

    def way(text: str, found: Found) -> str:
        lines = text.split("\n")
        start, end = _function(lines, found.line)
        lines[start:end] = [compiled.sub(new, line) for line in lines[start:end]]
        return "\n".join(lines)

    return way


def _function(lines: list[str], line: int) -> tuple[int, int]:
    """The slice of lines of the function around a line, or of everything where there is none."""
    heads = [i for i in range(line) if re.match(r" *(async )?def ", lines[i])]
    if not heads:
        return 0, len(lines)
    depth = _indent(lines[heads[-1]])
    rest = range(heads[-1] + 1, len(lines))
    return heads[-1], next((i for i in rest if lines[i] and _indent(lines[i]) <= depth), len(lines))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def drop(text: str, found: Found) -> str:
    lines = text.split("\n")
    del lines[found.line - 1]
    return "\n".join(lines) or "\n"


def outdent(text: str, found: Found) -> str:
    lines = text.split("\n")
    lines[found.line - 1] = lines[found.line - 1].removeprefix("    ")
    return "\n".join(lines)


def hoist(text: str, found: Found) -> str:
    """Move the line in front of the loop that it stands in."""
    lines = text.split("\n")
    line = lines.pop(found.line - 1)
    loops = [i for i in range(found.line - 1) if re.match(r" *(for|while) ", lines[i])]
    if not loops:
        return text
    lines.insert(loops[-1], " " * _indent(lines[loops[-1]]) + line.lstrip(" "))
    return "\n".join(lines)


def bind_in_closure(text: str, found: Found) -> str:
    lines = text.split("\n")
    at, _ = _function(lines, found.line)
    lines[at] = re.sub(r"\((.*)\):", rf"(\g<1>{found.about}={found.about}):", lines[at])
    return "\n".join(lines)


def other_name(text: str, found: Found) -> str:
    lines = text.split("\n")
    start, _ = _function(lines, found.line)
    names = re.findall(r"\w+", lines[start].split("(")[1])
    own = found.about.split()[0]
    other = next((name for name in names if name != own), own)
    line = lines[found.line - 1]
    lines[found.line - 1] = re.sub(r"\b(\w+) (==|!=) \1\b", rf"\1 \2 {other}", line, count=1)
    return "\n".join(lines)


def nearest_name(text: str, found: Found) -> str:
    known = sorted({n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
                   | {n.arg for n in ast.walk(ast.parse(text)) if isinstance(n, ast.arg)})  # fmt: skip
    close = difflib.get_close_matches(found.about, [n for n in known if n != found.about], n=1)
    if not close:
        return text
    return in_line(rf"\b{found.about}\b", close[0])(text, found)


def return_it(text: str, found: Found) -> str:
    lines = text.split("\n")
    _, end = _function(lines, found.line)
    for i in range(end - 1, found.line - 1, -1):
        if lines[i].lstrip().startswith("return"):
            lines[i] = " " * _indent(lines[i]) + f"return {found.about}"
            break
    return "\n".join(lines)


def link_cause(text: str, found: Found) -> str:
    lines = text.split("\n")
    lines[found.line - 1] += " from problem"
    for i in range(found.line - 2, -1, -1):
        if lines[i].lstrip().startswith("except"):
            lines[i] = lines[i].removesuffix(":") + " as problem:"
            break
    return "\n".join(lines)


def with_block(text: str, found: Found) -> str:
    lines = text.split("\n")
    _, end = _function(lines, found.line)
    head = re.match(r"( *)(\w+) = (open\(.*\))", lines[found.line - 1])
    if head is None:
        return text
    lines[found.line - 1] = f"{head[1]}with {head[3]} as {head[2]}:"
    lines[found.line : end] = [f"    {line}" if line else line for line in lines[found.line : end]]
    return "\n".join(lines)


def rename_rest(text: str, found: Found) -> str:
    """Give the new value of a loop's name a name of its own."""
    name, lines = found.about, text.split("\n")
    _, end = _function(lines, found.line)
    here = lines[found.line - 1]
    lines[found.line - 1] = re.sub(rf"^( *){name} =", rf"\1new_{name} =", here)
    rest = slice(found.line, end)
    lines[rest] = [re.sub(rf"\b{name}\b", f"new_{name}", line) for line in lines[rest]]
    return "\n".join(lines)


def docstring(text: str, found: Found) -> str:
    lines = text.split("\n")
    name = re.search(r"def (\w+)", lines[found.line - 1])
    words = name[1].replace("_", " ").capitalize() if name else "What this does"
    lines.insert(found.line, f'    """{words}."""')
    return "\n".join(lines)


def hold_state(text: str, found: Found) -> str:
    name = found.about
    lines = [line for line in text.split("\n") if line.strip() != f"global {name}"]
    lines = [re.sub(rf"^{name} = (.*)$", rf'{name} = {{"value": \1}}', line) for line in lines]
    return "\n".join(re.sub(rf"^( +){name} =", rf'\1{name}["value"] =', line) for line in lines)


def camel(text: str, found: Found) -> str:
    snake = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", found.about).lower()
    return re.sub(rf"\b{found.about}\b", snake, text)


def trailing_underscore(text: str, found: Found) -> str:
    return re.sub(rf"\b{found.about}\b(?!\()", f"{found.about}_", text)


def no_shell(text: str, found: Found) -> str:
    """The command as a list of its words, with names where values go."""
    lines = text.split("\n")
    call = re.search(r'(f?)"([^"]*)"(?: \+ (\w+))?, shell=True', lines[found.line - 1])
    if call is None:
        return text
    words = [w[1:-1] if w.startswith("{") else f'"{w}"' for w in call[2].split()]
    listed = ", ".join((*words, *([call[3]] if call[3] else [])))
    line = lines[found.line - 1]
    lines[found.line - 1] = f"{line[: call.start()]}[{listed}]{line[call.end() :]}"
    return "\n".join(lines)


def join_parts(text: str, found: Found) -> str:
    lines = text.split("\n")
    name = lines[found.line - 1].split("+=")[0].strip()
    start, end = _function(lines, found.line)
    for i in range(start, end):
        lines[i] = re.sub(rf'\b{name} = ""', "parts = []", lines[i])
        lines[i] = re.sub(rf"\b{name} \+= (.*)$", r"parts.append(\1)", lines[i])
        lines[i] = re.sub(rf"return {name}\b", 'return "".join(parts)', lines[i])
    return "\n".join(lines)


def join_all(text: str, found: Found) -> str:
    """One join over the loop, where the loop does nothing else."""
    lines = text.split("\n")
    at = found.line - 1
    added = re.match(r" *\w+ \+= (.*)$", lines[at])
    loop = re.match(r" *(for .*):$", lines[at - 1])
    if added is None or loop is None or not lines[at + 1].lstrip().startswith("return"):
        return text
    joined = f'return "".join({added[1]} {loop[1]})'
    lines[at - 2 : at + 2] = [" " * _indent(lines[at - 1]) + joined]
    return "\n".join(lines)


def compile_once(text: str, found: Found) -> str:
    lines = text.split("\n")
    line = lines[found.line - 1]
    made = re.search(r're\.compile\(r"[^"]*"\)', line)
    loops = [i for i in range(found.line - 1) if re.match(r" *for ", lines[i])]
    if made is None or not loops:
        return text
    lines[found.line - 1] = line.replace(made[0], "pattern")
    lines.insert(loops[-1], " " * _indent(lines[loops[-1]]) + f"pattern = {made[0]}")
    return "\n".join(lines)


def one_query(text: str, found: Found) -> str:
    """Read all rows before the loop, and look them up in it."""
    lines = text.split("\n")
    sql = re.search(
        r'"SELECT (\w+) FROM (\w+) WHERE (\w+) = \?", \((\w+),\)', lines[found.line - 1]
    )
    loops = [i for i in range(found.line - 1) if re.match(r" *for ", lines[i])]
    if sql is None or not loops:
        return text
    lines[found.line] = lines[found.line].replace("cursor.fetchone()", f"every.get({sql[4]})")
    del lines[found.line - 1]
    space = " " * _indent(lines[loops[-1]])
    lines[loops[-1] : loops[-1]] = [
        f'{space}cursor.execute("SELECT {sql[3]}, {sql[1]} FROM {sql[2]}")',  # noqa: S608 - never run
        f"{space}every = dict(cursor.fetchall())",
    ]
    return "\n".join(lines)


def deque(text: str, found: Found) -> str:
    changed = in_line(r"(\w+)\.pop\(0\)", r"\1.popleft()")(text, found)
    lines = changed.split("\n")
    name = re.search(r"(\w+)\.popleft", lines[found.line - 1])
    loops = [i for i in range(found.line) if re.match(r" *(for|while) ", lines[i])]
    if name is None or not loops:
        return text
    lines.insert(loops[-1], " " * _indent(lines[loops[-1]]) + f"{name[1]} = deque({name[1]})")
    return _with_import("\n".join(lines), "from collections import deque")


def set_instead(text: str, found: Found) -> str:
    lines = text.split("\n")
    name = re.search(r"\bin (\w+) for", lines[found.line - 1])
    if name is None:
        return text
    made = re.compile(rf"^( +{name[1]} = )\[(.*)\]$")
    return "\n".join(made.sub(r"\1{\2}", line) for line in lines)


def bundle_arguments(text: str, found: Found) -> str:
    """Keep the first three parameters, and take the rest by name."""
    lines = text.split("\n")
    head = re.match(r"( *def \w+\()(.*)\):$", lines[found.line - 1])
    if head is None:
        return text
    names = head[2].split(", ")
    start, end = _function(lines, found.line)
    lines[start] = f"{head[1]}{', '.join(names[:3])}, **more):"
    for name in names[3:]:
        lines[start + 1 : end] = [
            line if '"""' in line else re.sub(rf'(?<!")\b{name}\b(?!")', f'more["{name}"]', line)
            for line in lines[start + 1 : end]
        ]
    return "\n".join(lines)
