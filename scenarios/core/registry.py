"""One registry for every room: the file (or folder) name is the key, its docstring the label, its one class the plugin."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import pkgutil
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


class Registry(Generic[T]):
    """The plugins of one package.

    `package`: dotted name of the room. `base`: "module:Class", imported only when a plugin is. `room`: one word for messages.
    """

    def __init__(self, package: str, base: str, room: str) -> None:
        self.package, self.base, self.room = package, base, room

    def keys(self) -> list[str]:
        """Sorted plugin names; imports none of them."""
        path = importlib.import_module(self.package).__path__
        names = (module.name for module in pkgutil.iter_modules(path))
        return sorted(name for name in names if name != "base" and not name.startswith("_"))

    def about(self, key: str) -> tuple[str, str]:
        """Title and text of the plugin's docstring, read without importing it."""
        spec = importlib.util.find_spec(f"{self.package}.{self.known(key)}")
        origin = spec.origin if spec is not None else None
        if origin is None:
            raise TypeError(f"{self.package}.{key} has no source file to read")
        doc = ast.get_docstring(ast.parse(Path(origin).read_text(encoding="utf-8"))) or key
        title, _, text = doc.partition("\n")
        return title.rstrip("."), text.strip()

    def get(self, key: str) -> type[T]:
        """The plugin's class. Raises `UnknownKey`, or `TypeError` where the module does not define exactly one."""
        module = importlib.import_module(f"{self.package}.{self.known(key)}")
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
