"""The built-in scenarios, one folder (or file) each, and those of installed plug-ins (`agentgym.scenarios`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.core.registry import Registry

if TYPE_CHECKING:
    from scenarios.core.scenario import Scenario

library: Registry[Scenario] = Registry(
    __name__, "scenarios.core.scenario:Scenario", "scenario", group="agentgym.scenarios"
)
