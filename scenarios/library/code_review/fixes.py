"""Repairs as changes of text. For each rule: one or more ways to write the place differently, the best one first.

A way takes the text, the line (from 1) and what the engine said, and returns the whole new text, or the old one where
it does not apply. Whether it helps is not claimed here: `explain.outcome` runs the tool again. Where ruff has a repair
of its own, that one is used.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Mapping

from scenarios.library.code_review.engines import Found
from scenarios.library.code_review.extract import extracted

Way = Callable[[str, Found], str]


def ways(text: str, found: Found) -> tuple[str, ...]:
    """Different new texts, in the order of preference."""
    tried = [found.fixed, *(way(text, found) for way in _WAYS.get(found.rule, ()))]
    return tuple(new for new in dict.fromkeys(tried) if new and new != text and _parses(new))


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _line(pattern: str, new: str, needs: str = "") -> Way:
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


def _rest(pattern: str, new: str) -> Way:
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


def _drop(text: str, found: Found) -> str:
    lines = text.split("\n")
    del lines[found.line - 1]
    return "\n".join(lines) or "\n"


def _outdent(text: str, found: Found) -> str:
    lines = text.split("\n")
    lines[found.line - 1] = lines[found.line - 1].removeprefix("    ")
    return "\n".join(lines)


def _hoist(text: str, found: Found) -> str:
    """Move the line in front of the loop that it stands in."""
    lines = text.split("\n")
    line = lines.pop(found.line - 1)
    loops = [i for i in range(found.line - 1) if re.match(r" *(for|while) ", lines[i])]
    if not loops:
        return text
    lines.insert(loops[-1], " " * _indent(lines[loops[-1]]) + line.lstrip(" "))
    return "\n".join(lines)


def _bind_in_closure(text: str, found: Found) -> str:
    lines = text.split("\n")
    at, _ = _function(lines, found.line)
    lines[at] = re.sub(r"\((.*)\):", rf"(\g<1>{found.about}={found.about}):", lines[at])
    return "\n".join(lines)


def _other_name(text: str, found: Found) -> str:
    lines = text.split("\n")
    start, _ = _function(lines, found.line)
    names = re.findall(r"\w+", lines[start].split("(")[1])
    own = found.about.split()[0]
    other = next((name for name in names if name != own), own)
    line = lines[found.line - 1]
    lines[found.line - 1] = re.sub(r"\b(\w+) (==|!=) \1\b", rf"\1 \2 {other}", line, count=1)
    return "\n".join(lines)


def _nearest_name(text: str, found: Found) -> str:
    known = sorted({n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
                   | {n.arg for n in ast.walk(ast.parse(text)) if isinstance(n, ast.arg)})  # fmt: skip
    close = difflib.get_close_matches(found.about, [n for n in known if n != found.about], n=1)
    if not close:
        return text
    return _line(rf"\b{found.about}\b", close[0])(text, found)


def _return_it(text: str, found: Found) -> str:
    lines = text.split("\n")
    _, end = _function(lines, found.line)
    for i in range(end - 1, found.line - 1, -1):
        if lines[i].lstrip().startswith("return"):
            lines[i] = " " * _indent(lines[i]) + f"return {found.about}"
            break
    return "\n".join(lines)


def _link_cause(text: str, found: Found) -> str:
    lines = text.split("\n")
    lines[found.line - 1] += " from problem"
    for i in range(found.line - 2, -1, -1):
        if lines[i].lstrip().startswith("except"):
            lines[i] = lines[i].removesuffix(":") + " as problem:"
            break
    return "\n".join(lines)


def _with_block(text: str, found: Found) -> str:
    lines = text.split("\n")
    _, end = _function(lines, found.line)
    head = re.match(r"( *)(\w+) = (open\(.*\))", lines[found.line - 1])
    if head is None:
        return text
    lines[found.line - 1] = f"{head[1]}with {head[3]} as {head[2]}:"
    lines[found.line : end] = [f"    {line}" if line else line for line in lines[found.line : end]]
    return "\n".join(lines)


def _rename_rest(text: str, found: Found) -> str:
    """Give the new value of a loop's name a name of its own."""
    name, lines = found.about, text.split("\n")
    _, end = _function(lines, found.line)
    here = lines[found.line - 1]
    lines[found.line - 1] = re.sub(rf"^( *){name} =", rf"\1new_{name} =", here)
    rest = slice(found.line, end)
    lines[rest] = [re.sub(rf"\b{name}\b", f"new_{name}", line) for line in lines[rest]]
    return "\n".join(lines)


def _docstring(text: str, found: Found) -> str:
    lines = text.split("\n")
    name = re.search(r"def (\w+)", lines[found.line - 1])
    words = name[1].replace("_", " ").capitalize() if name else "What this does"
    lines.insert(found.line, f'    """{words}."""')
    return "\n".join(lines)


def _hold_state(text: str, found: Found) -> str:
    name = found.about
    lines = [line for line in text.split("\n") if line.strip() != f"global {name}"]
    lines = [re.sub(rf"^{name} = (.*)$", rf'{name} = {{"value": \1}}', line) for line in lines]
    return "\n".join(re.sub(rf"^( +){name} =", rf'\1{name}["value"] =', line) for line in lines)


def _camel(text: str, found: Found) -> str:
    snake = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", found.about).lower()
    return re.sub(rf"\b{found.about}\b", snake, text)


def _trailing_underscore(text: str, found: Found) -> str:
    return re.sub(rf"\b{found.about}\b(?!\()", f"{found.about}_", text)


def _no_shell(text: str, found: Found) -> str:
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


def _join_parts(text: str, found: Found) -> str:
    lines = text.split("\n")
    name = lines[found.line - 1].split("+=")[0].strip()
    start, end = _function(lines, found.line)
    for i in range(start, end):
        lines[i] = re.sub(rf'\b{name} = ""', "parts = []", lines[i])
        lines[i] = re.sub(rf"\b{name} \+= (.*)$", r"parts.append(\1)", lines[i])
        lines[i] = re.sub(rf"return {name}\b", 'return "".join(parts)', lines[i])
    return "\n".join(lines)


def _join_all(text: str, found: Found) -> str:
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


def _compile_once(text: str, found: Found) -> str:
    lines = text.split("\n")
    line = lines[found.line - 1]
    made = re.search(r're\.compile\(r"[^"]*"\)', line)
    loops = [i for i in range(found.line - 1) if re.match(r" *for ", lines[i])]
    if made is None or not loops:
        return text
    lines[found.line - 1] = line.replace(made[0], "pattern")
    lines.insert(loops[-1], " " * _indent(lines[loops[-1]]) + f"pattern = {made[0]}")
    return "\n".join(lines)


def _one_query(text: str, found: Found) -> str:
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
        f'{space}cursor.execute("SELECT {sql[3]}, {sql[1]} FROM {sql[2]}")',
        f"{space}every = dict(cursor.fetchall())",
    ]
    return "\n".join(lines)


def _deque(text: str, found: Found) -> str:
    changed = _line(r"(\w+)\.pop\(0\)", r"\1.popleft()")(text, found)
    lines = changed.split("\n")
    name = re.search(r"(\w+)\.popleft", lines[found.line - 1])
    loops = [i for i in range(found.line) if re.match(r" *(for|while) ", lines[i])]
    if name is None or not loops:
        return text
    lines.insert(loops[-1], " " * _indent(lines[loops[-1]]) + f"{name[1]} = deque({name[1]})")
    return _with_import("\n".join(lines), "from collections import deque")


def _set_instead(text: str, found: Found) -> str:
    lines = text.split("\n")
    name = re.search(r"\bin (\w+) for", lines[found.line - 1])
    if name is None:
        return text
    made = re.compile(rf"^( +{name[1]} = )\[(.*)\]$")
    return "\n".join(made.sub(r"\1{\2}", line) for line in lines)


def _bundle_arguments(text: str, found: Found) -> str:
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


_WAYS: Mapping[str, tuple[Way, ...]] = {
    "loop-closure": (_bind_in_closure,),
    "is-literal": (_line(r" is not (?=[\"'\d])", " != "), _line(r" is (?=[\"'\d])", " == ")),
    "return-in-finally": (_outdent,),
    "assert-tuple": (_line(r"assert \((.*)\)$", r"assert \1"),),
    "raise-not-implemented": (_line(r"NotImplemented\b", "NotImplementedError"),),
    "repeated-key": (_drop,),
    "self-comparison": (_other_name,),
    "useless-expression": (_line(r"$", "()"),),
    "repeated-except": (_line(r"\(ValueError, (\w+)\)", r"\1"),),
    "dangling-task": (_line(r"asyncio\.create_task\((\w+)\.", r"\1.task = asyncio.create_task(\1."),),
    "undefined-name": (_nearest_name,),
    "unused-variable": (_return_it,),
    "format-mismatch": (_line(r"(?: of)? \{\}(?!.*\{\})", ""), _line(r" of \{\}", "")),
    "redefinition": (_line(r"def (\w+)\(", r"def \1_again("),),
    "raise-without-from": (_link_cause,),
    "loop-mutation": (_line(r" in (\w+):", r" in list(\1):"),),
    "range-too-long": (_line(r"(len\(\w+\)) \+ 1", r"\1"),),
    "float-equality": (_line(r"return (.+) == ([\d.]+)", r"return abs(\1 - \2) < 1e-9"),),
    "unreachable-code": (_drop,),
    "dropped-result": (
        _line(r"^( +)(\w+)\.(\w+)\(", r"\1\2 = \2.\3("),
        _line(r"^( +)(sorted|reversed)\((\w+)", r"\1\3 = \2(\3"),
    ),
    "swallowed-error": (
        _line(r"except Exception:", "except OSError:"),
        _line(r"except Exception:", "except BaseException:"),
    ),
    "naive-datetime": (_line(r"datetime\.now\(\)", "datetime.now(tz=UTC)", "from datetime import UTC"),),
    "unclosed-file": (_with_block,),
    "changed-loop-name": (_rename_rest,),
    "print-left": (_drop,),
    "no-docstring": (_docstring,),
    "dead-code": (_drop,),
    "ownerless-todo": (_line("TODO:", "TODO(team):"),),
    "global-state": (_hold_state,),
    "type-comparison": (_line(r"type\((\w+)\) == (\w+)", r"isinstance(\1, \2)"),),
    "bare-except": (_line("except:", "except Exception:"),),
    "ambiguous-name": (_rest(r"\bl\b", "line"),),
    "unused-import": (_drop,),
    "function-name": (_camel,),
    "variable-name": (_camel,),
    "shadowed-builtin": (_trailing_underscore,),
    "too-many-arguments": (_bundle_arguments,),
    "too-complex": (extracted,),
    "deep-nesting": (extracted,),
    "shell-injection": (
        _line(r'(f?"[^"]*"(?: \+ \w+)?), shell=True', r"shlex.quote(\1), shell=True", "import shlex"),
        _no_shell,
    ),
    "pickle-load": (_line(r"pickle\.loads", "json.loads", "import json"),),
    "weak-hash": (_line(r"hashlib\.md5", "hashlib.sha1"), _line(r"hashlib\.(md5|sha1)", "hashlib.sha256")),
    "weak-random": (
        _line(r"random\.randint\(", "random.randrange("),
        _line(r"random\.(randint|choices|choice)\(", r"random.SystemRandom().\1("),
    ),
    "yaml-load": (
        _line(r"yaml\.Loader", "yaml.FullLoader"),
        _line(r"yaml\.load\((\w+), Loader=[\w.]+\)", r"yaml.safe_load(\1)"),
    ),
    "sql-injection": (
        _line(r"f(\".*)'\{(\w+)\}'\"", r'\1?", (\2,)'),
        _line(r'"(.* = )" \+ (\w+)', r'"\1?", (\2,)'),
    ),
    "hardcoded-password": (_line(r'= "[^"]*"', '= os.environ["SERVICE_PASSWORD"]', "import os"),),
    "bind-all": (_line(r"0\.0\.0\.0", "127.0.0.1"),),
    "tmp-path": (_line(r'"/tmp/"', 'tempfile.mkdtemp() + "/"', "import tempfile"),),
    "no-cert-check": (_line(r"verify=False, ", ""),),
    "no-timeout": (_line(r"requests\.get\((\w+)\)", r"requests.get(\1, timeout=10)"),),
    "eval-used": (_line(r"eval\((\w+), \w+\)", r"ast.literal_eval(\1)", "import ast"),),
    "xml-parse": (
        _line(
            r"ElementTree\.fromstring",
            "defusedxml.ElementTree.fromstring",
            "import defusedxml.ElementTree",
        ),
    ),
    "open-permissions": (_line("0o777", "0o755"), _line("0o777", "0o640")),
    "debug-server": (_line("debug=True", "debug=False"),),
    "assert-check": (
        _line(r"assert (.+)$", r'assert \1, "not allowed"'),
        _line(r"^( *)assert (.+)$", r'\1if not (\2):\n\1    raise ValueError("not allowed")'),
    ),
    "url-open": (
        _line(r"urlopen\((.*?)\)\.read\((\d*)\)", r"requests.get(\1).content[:\2]", "import requests"),
    ),
    "no-autoescape": (_line(r"loader=loader\)", "loader=loader, autoescape=True)"),),
    "tar-extract": (
        _line(r"(\w+)\.extractall\((\w+)\)", r"\1.extractall(\2, numeric_owner=True)"),
        _line(r"extractall\((\w+)\)", r'extractall(\1, filter="data")'),
    ),
    "make-temp": (_line(r"tempfile\.mktemp\((.*)\)", r"tempfile.mkstemp(\1)[1]"),),
    "no-tls-check": (_line(r"ssl\._create_unverified_context", "ssl.create_default_context"),),
    "eager-log": (_line(r'f"(.*?)\{(\w+)!r\}"', r'"\1%r", \2'),),
    "blocking-sleep": (_line(r"time\.sleep", "await asyncio.sleep", "import asyncio"),),
    "string-building": (_join_parts, _join_all),
    "list-membership": (_set_instead,),
    "compile-in-loop": (_compile_once,),
    "query-in-loop": (_one_query,),
    "deepcopy-in-loop": (_hoist,),
    "pop-front": (_deque,),
    "sort-in-loop": (_hoist,),
    "count-by-list": (_line(r"len\(\[\w+ for (\w+) in (.*)\]\)", r"sum(1 for \1 in \2)"),),
}  # fmt: skip
