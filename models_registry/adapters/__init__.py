"""A trained policy as another framework's own agent: one file per framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.core.registry import Registry

if TYPE_CHECKING:
    from models_registry.adapters.base import Adapter

adapters: Registry[Adapter] = Registry(__name__, "models_registry.adapters.base:Adapter", "adapter")
