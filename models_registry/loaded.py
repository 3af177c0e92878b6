"""Versions that this process has in memory, ready to decide. Loading costs some 20 ms, a decision under one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from models_registry.models import Version

if TYPE_CHECKING:
    from models_registry.adapters._core import Core

KEPT = 8

_lock = threading.Lock()
_cores: OrderedDict[tuple[int, str, str], Core] = OrderedDict()


def core_of(version: Version, role: str = "") -> Core:
    """The version as adapters drive it. Raises `BundleError` for files that are damaged or gone."""
    from models_registry.adapters._core import Core  # noqa: PLC0415 (numpy, not needed by other pages)

    name = (version.pk, version.sha256, role)
    with _lock:
        if name in _cores:
            _cores.move_to_end(name)
            return _cores[name]
    core = Core.of(version.path, role=role)
    with _lock:
        _cores[name] = core
        while len(_cores) > KEPT:
            _cores.popitem(last=False)
    return core
