"""One registry for every room: the file (or folder) name is the key, its docstring the label, its one class the plugin."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class UnknownKey(KeyError):
    """No plugin of that name; the message names the closest ones."""

    def __init__(self, key: str, known: list[str], room: str) -> None:
        close = difflib.get_close_matches(key, known, n=2, cutoff=0.4)
        hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
        self.message = f"Unknown {room} {key!r}.{hint} Known: {', '.join(known)}."
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


@cache
def _entry_points(group: str) -> dict[str, EntryPoint]:
    """Name -> entry point of the group; read once, because reading looks at every installed distribution."""
    return {entry.name: entry for entry in entry_points(group=group)} if group else {}


class Registry(Generic[T]):
    """The plugins of one package.

    `package`: dotted name of the room. `base`: "module:Class", imported only when a plugin is. `room`: one word for
    messages. `group`: entry points of installed distributions that belong here too; their names are keys as well, and
    one that the room has itself is not replaced.
    """

    def __init__(self, package: str, base: str, room: str, group: str = "") -> None:
        self.package, self.base, self.room, self.group = package, base, room, group

    def keys(self) -> list[str]:
        """Sorted plugin names; imports none of them."""
        return sorted({*self._own(), *_entry_points(self.group)})

    def _own(self) -> list[str]:
        path = importlib.import_module(self.package).__path__
        names = (module.name for module in pkgutil.iter_modules(path))
        return [name for name in names if name != "base" and not name.startswith("_")]

    def _module(self, key: str) -> str:
        """The module that a known key stands for."""
        entry = _entry_points(self.group).get(self.known(key))
        return f"{self.package}.{key}" if entry is None or key in self._own() else entry.module

    def about(self, key: str) -> tuple[str, str]:
        """Title and text of the plugin's docstring, read without importing it."""
        spec = importlib.util.find_spec(self._module(key))
        origin = spec.origin if spec is not None else None
        if origin is None:
            raise TypeError(f"{self.package}.{key} has no source file to read")
        doc = ast.get_docstring(ast.parse(Path(origin).read_text(encoding="utf-8"))) or key
        title, _, text = doc.partition("\n")
        return title.rstrip("."), text.strip()

    def get(self, key: str) -> type[T]:
        """The plugin's class. Raises `UnknownKey`, or `TypeError` where the module does not define exactly one."""
        module = importlib.import_module(self._module(key))
        owner, _, name = self.base.partition(":")
        base: type[Any] = getattr(importlib.import_module(owner), name)
        found = [
            thing
            for thing in vars(module).values()
            if inspect.isclass(thing)
            and issubclass(thing, base)
            and thing is not base
            and thing.__module__.startswith(module.__name__)
        ]
        if len(found) != 1:
            raise TypeError(f"{module.__name__} must define exactly one {name}, found {len(found)}")
        return cast("type[T]", found[0])

    def known(self, key: str) -> str:
        """`key` itself where it names a plugin; raises `UnknownKey` otherwise."""
        if key not in (names := self.keys()):
            raise UnknownKey(key, names, self.room)
        return key
