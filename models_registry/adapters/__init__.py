"""A trained policy as another framework's own agent: one file per framework.

What is common to them is here under its public name: `Core` (a policy with its settings), `LiveTool`, `AgentTask`, `Floor`
and `WorldTeam` for teams, `Templates` and `WrittenByLLM` for the words of an answer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scenarios.core.registry import Registry

if TYPE_CHECKING:
    from models_registry.adapters._core import Core as Core
    from models_registry.adapters._environment import AgentTask as AgentTask
    from models_registry.adapters._floor import Floor as Floor
    from models_registry.adapters._floor import WorldTeam as WorldTeam
    from models_registry.adapters._livetools import LiveTool as LiveTool
    from models_registry.adapters._prose import Templates as Templates
    from models_registry.adapters._prose import WrittenByLLM as WrittenByLLM
    from models_registry.adapters.base import Adapter
else:
    _HOMES = {
        "AgentTask": "_environment",
        "Core": "_core",
        "Floor": "_floor",
        "LiveTool": "_livetools",
        "Templates": "_prose",
        "WorldTeam": "_floor",
        "WrittenByLLM": "_prose",
    }

    def __getattr__(name: str) -> Any:
        # The catalogue wants the names of the adapters only, without the policy's runtime.
        if name in _HOMES:
            return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


adapters: Registry[Adapter] = Registry(__name__, "models_registry.adapters.base:Adapter", "adapter")
