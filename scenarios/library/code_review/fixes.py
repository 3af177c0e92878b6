"""Repairs as changes of text. For each rule: one or more ways to write the place differently, the best one first.

A way takes the text, the line (from 1) and what the engine said, and returns the whole new text, or the old one where
it does not apply. Whether it helps is not claimed here: `explain.outcome` runs the tool again. Where ruff has a repair
of its own, that one is used.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from scenarios.library.code_review import rewriting
from scenarios.library.code_review.engines import Found
from scenarios.library.code_review.extract import extracted
from scenarios.library.code_review.rewriting import Way
from scenarios.library.code_review.rewriting import in_line as _line


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


_WAYS: Mapping[str, tuple[Way, ...]] = {
    "loop-closure": (rewriting.bind_in_closure,),
    "is-literal": (_line(r" is not (?=[\"'\d])", " != "), _line(r" is (?=[\"'\d])", " == ")),
    "return-in-finally": (rewriting.outdent,),
    "assert-tuple": (_line(r"assert \((.*)\)$", r"assert \1"),),
    "raise-not-implemented": (_line(r"NotImplemented\b", "NotImplementedError"),),
    "repeated-key": (rewriting.drop,),
    "self-comparison": (rewriting.other_name,),
    "useless-expression": (_line(r"$", "()"),),
    "repeated-except": (_line(r"\(ValueError, (\w+)\)", r"\1"),),
    "dangling-task": (_line(r"asyncio\.create_task\((\w+)\.", r"\1.task = asyncio.create_task(\1."),),
    "undefined-name": (rewriting.nearest_name,),
    "unused-variable": (rewriting.return_it,),
    "format-mismatch": (_line(r"(?: of)? \{\}(?!.*\{\})", ""), _line(r" of \{\}", "")),
    "redefinition": (_line(r"def (\w+)\(", r"def \1_again("),),
    "raise-without-from": (rewriting.link_cause,),
    "loop-mutation": (_line(r" in (\w+):", r" in list(\1):"),),
    "range-too-long": (_line(r"(len\(\w+\)) \+ 1", r"\1"),),
    "float-equality": (_line(r"return (.+) == ([\d.]+)", r"return abs(\1 - \2) < 1e-9"),),
    "unreachable-code": (rewriting.drop,),
    "dropped-result": (
        _line(r"^( +)(\w+)\.(\w+)\(", r"\1\2 = \2.\3("),
        _line(r"^( +)(sorted|reversed)\((\w+)", r"\1\3 = \2(\3"),
    ),
    "swallowed-error": (
        _line(r"except Exception:", "except OSError:"),
        _line(r"except Exception:", "except BaseException:"),
    ),
    "naive-datetime": (_line(r"datetime\.now\(\)", "datetime.now(tz=UTC)", "from datetime import UTC"),),
    "unclosed-file": (rewriting.with_block,),
    "changed-loop-name": (rewriting.rename_rest,),
    "print-left": (rewriting.drop,),
    "no-docstring": (rewriting.docstring,),
    "dead-code": (rewriting.drop,),
    "ownerless-todo": (_line("TODO:", "TODO(team):"),),
    "global-state": (rewriting.hold_state,),
    "type-comparison": (_line(r"type\((\w+)\) == (\w+)", r"isinstance(\1, \2)"),),
    "bare-except": (_line("except:", "except Exception:"),),
    "ambiguous-name": (rewriting.to_the_end(r"\bl\b", "line"),),
    "unused-import": (rewriting.drop,),
    "function-name": (rewriting.camel,),
    "variable-name": (rewriting.camel,),
    "shadowed-builtin": (rewriting.trailing_underscore,),
    "too-many-arguments": (rewriting.bundle_arguments,),
    "too-complex": (extracted,),
    "deep-nesting": (extracted,),
    "shell-injection": (
        _line(r'(f?"[^"]*"(?: \+ \w+)?), shell=True', r"shlex.quote(\1), shell=True", "import shlex"),
        rewriting.no_shell,
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
    "string-building": (rewriting.join_parts, rewriting.join_all),
    "list-membership": (rewriting.set_instead,),
    "compile-in-loop": (rewriting.compile_once,),
    "query-in-loop": (rewriting.one_query,),
    "deepcopy-in-loop": (rewriting.hoist,),
    "pop-front": (rewriting.deque,),
    "sort-in-loop": (rewriting.hoist,),
    "count-by-list": (_line(r"len\(\[\w+ for (\w+) in (.*)\]\)", r"sum(1 for \1 in \2)"),),
}  # fmt: skip
