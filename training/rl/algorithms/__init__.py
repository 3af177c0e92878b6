"""What updates a policy: one file per algorithm, readable beside its paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.core.registry import Registry

if TYPE_CHECKING:
    from training.rl.algorithms.base import Algorithm

algorithms: Registry[Algorithm] = Registry(
    __name__, "training.rl.algorithms.base:Algorithm", "algorithm"
)
