"""Names and shapes of a policy's weights: the one description that the network, the runtime and the bundle check share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.bags import BUCKETS
from models_registry.policies.conversation import PAIR, SCALARS
from models_registry.policies.toolset import DYNAMICS

EMBED = 32
"""Width of a bag's encoding."""
HIDDEN = 128
"""Width of the state."""
ATTEND = 64
"""Width in which tools and candidates are compared with the state."""

ARCHITECTURE = "pointer-1"
"""Name of this layout in manifests; another layout is another name."""


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def shapes() -> dict[str, tuple[int, ...]]:
    """Weight name -> shape, as float32."""
    return {
        "table.weight": (BUCKETS, EMBED),
        **_linear("sentence", EMBED, ATTEND),
        **_linear("state_in", 2 * ATTEND + EMBED + SCALARS, HIDDEN),
        **_linear("state_mid", HIDDEN, HIDDEN),
        **_linear("value_in", HIDDEN, ATTEND),
        **_linear("value_out", ATTEND, 1),
        **_linear("tool_state", HIDDEN, ATTEND),
        **_linear("tool_query", HIDDEN, ATTEND),
        **_linear("tool_key", EMBED, ATTEND),
        **_linear("tool_text", EMBED, ATTEND),
        **_linear("tool_dynamics", DYNAMICS, ATTEND),
        **_linear("tool_score", ATTEND, 1),
        **_linear("point_query", HIDDEN + 2 * EMBED, ATTEND),
        **_linear("point_dot", HIDDEN + 2 * EMBED, ATTEND),
        **_linear("point_text", EMBED, ATTEND),
        **_linear("point_key", EMBED, ATTEND),
        **_linear("point_pair", PAIR, ATTEND),
        **_linear("point_score", ATTEND, 1),
    }


def initial_weights(seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights of an untrained policy (He et al. 2015 for the layers): near-uniform choices, values near zero."""
    rng = np.random.default_rng([seed, 0])
    weights = {}
    for name, shape in shapes().items():
        if name.endswith(".bias"):
            weights[name] = np.zeros(shape, dtype=np.float32)
            continue
        scale = math.sqrt(2.0 / shape[1])
        if name == "table.weight":
            scale = 0.03  # small: a token that training never met must not shout
        elif name in ("tool_score.weight", "point_score.weight", "value_out.weight"):
            scale = 0.1 / math.sqrt(shape[1])
        weights[name] = (rng.standard_normal(shape) * scale).astype(np.float32)
    return weights
