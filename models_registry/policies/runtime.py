"""The policy without torch: the forward pass in numpy, for rollouts, evaluation and every deployed agent.

One class serves a batch of 64 training conversations and a single call inside a framework, so what was trained is
what runs. `models_registry.policies.network` holds the same formulas for the gradient; a test keeps the two equal.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry.artifacts.bundle import BundleError, load_bundle
from models_registry.policies.architecture import ARCHITECTURE, ATTEND, EMBED, shapes
from models_registry.policies.bags import Bag
from models_registry.policies.batch import (
    BagTable,
    FloatArray,
    IntArray,
    Pointers,
    States,
    collate_pointers,
    collate_states,
)
from models_registry.policies.calibration import Calibration
from models_registry.policies.conversation import OMIT, Choices, Conversation, Observation
from models_registry.policies.team import of_role
from models_registry.policies.toolset import ToolSet, toolset
from scenarios.core.types import Decision, Json, Tool, ToolCall, Turn

MAX_KEPT_BAGS = 20_000
"""Encodings kept between decisions; a long-lived agent forgets and starts again beyond it."""

ANSWERS = {
    "final": "Your request has been taken care of.",
    "ask": "Could you give me the detail that is missing, please?",
    "hand_over": "I am handing this over to a colleague who can help you.",
}
"""What is said with a decision that is not a call. Prose is not trained; a framework may put an LLM here."""


@dataclass(slots=True)
class Sample:
    """One decision with all that the learner needs of it."""

    observation: Observation
    tool: int
    decision: Decision
    value: float
    log_prob: float
    choices: list[Choices] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)


class Forward:
    """The formulas over one set of weights. Not thread-safe: it remembers the bags that it has encoded."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        if (found := {name: value.shape for name, value in weights.items()}) != shapes():
            wrong = sorted(set(found.items()) ^ set(shapes().items()))[0]
            raise ValueError(f"weights are not of architecture {ARCHITECTURE}: see {wrong[0]}")
        self.w = {
            name: np.ascontiguousarray(value, dtype=np.float32) for name, value in weights.items()
        }
        self.forget()

    def forget(self) -> None:
        """Drop all remembered encodings."""
        self.table = BagTable()
        self._encoded = np.zeros((1024, EMBED), dtype=np.float32)
        self._count = 1  # row 0 is the empty bag

    def linear(self, name: str, x: FloatArray) -> FloatArray:
        out: FloatArray = x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]
        return out

    def encodings(self) -> FloatArray:
        """(bags + 1, EMBED): sum of each bag's rows over the square root of their number; encodes only new bags."""
        new = self.table.bags[self._count - 1 :]
        if new:
            if self._count + len(new) > len(self._encoded):
                grown = np.zeros((2 * (self._count + len(new)), EMBED), dtype=np.float32)
                grown[: self._count] = self._encoded[: self._count]
                self._encoded = grown
            sizes = np.array([len(bag.rows) for bag in new])
            rows = self.w["table.weight"][np.concatenate([bag.rows for bag in new])]
            filled = sizes > 0
            starts = (np.cumsum(sizes) - sizes)[filled]
            sums = np.zeros((len(new), EMBED), dtype=np.float32)
            if len(rows):
                sums[filled] = np.add.reduceat(rows, starts, axis=0)
            self._encoded[self._count : self._count + len(new)] = (
                sums / np.sqrt(np.maximum(sizes, 1))[:, None]
            )
            self._count += len(new)
        return self._encoded[: self._count]

    def state(self, states: States) -> FloatArray:
        """(N, HIDDEN)"""
        e = self.encodings()
        joined = np.concatenate(
            [self.text(e, states.texts), e[states.facts].sum(1), states.scalars], axis=1
        )
        first = np.maximum(self.linear("state_in", joined), 0)
        return first + np.maximum(self.linear("state_mid", first), 0)

    def text(self, e: FloatArray, texts: IntArray) -> FloatArray:
        """(N, 2 * ATTEND): largest and summed activation over the sentences, so that chatter cannot drown the need."""
        used, inverse = np.unique(texts, return_inverse=True)
        active = np.maximum(self.linear("sentence", e[used]), 0) * (used > 0)[:, None]
        each = active[inverse.reshape(texts.shape)]
        return np.concatenate([each.max(1), each.sum(1)], axis=1)

    def values(self, h: FloatArray) -> FloatArray:
        """(N,)"""
        return self.linear("value_out", np.maximum(self.linear("value_in", h), 0))[:, 0]

    def tool_logits(self, h: FloatArray, tool_bags: IntArray, states: States) -> FloatArray:
        """(N, T), masked with -inf."""
        e = self.encodings()[tool_bags]
        mixed = self.linear("tool_state", h)[:, None] + self.linear("tool_text", e)[None]
        mixed += self.linear("tool_dynamics", states.dynamics)
        score = self.linear("tool_score", np.maximum(mixed, 0))[..., 0]
        score += (
            self.linear("tool_query", h)
            @ self.linear("tool_key", e).T
            / np.float32(np.sqrt(ATTEND))
        )
        return np.where(states.mask, score, -np.inf)

    def point_logits(self, h: FloatArray, p: Pointers) -> FloatArray:
        """(M,)"""
        e, row = self.encodings(), p.row
        query = np.concatenate([h[p.state], e[p.parameter], e[p.previous]], axis=1)
        own = e[p.candidates]
        mixed = self.linear("point_query", query)[row]
        mixed += self.linear("point_text", own)
        mixed += self.linear("point_pair", p.pair)
        score = self.linear("point_score", np.maximum(mixed, 0))[:, 0]
        wanted = self.linear("point_dot", query)[row]
        score += (self.linear("point_key", own) * wanted).sum(1) / np.float32(np.sqrt(ATTEND))
        return score


def log_softmax(logits: FloatArray) -> FloatArray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def log_softmax_by(pointers: Pointers, logits: FloatArray) -> FloatArray:
    """(M,): log-softmax within each argument's candidates."""
    starts, row = pointers.starts, pointers.row
    shifted = logits - np.maximum.reduceat(logits, starts)[row]
    out: FloatArray = shifted - np.log(np.add.reduceat(np.exp(shifted), starts))[row]
    return out


def _pick(log_probs: FloatArray, rng: np.random.Generator | None) -> IntArray:
    """Index per row: the most likely one, or with `rng` one drawn by its probability."""
    return np.asarray(_noisy(log_probs, rng).argmax(axis=-1))


def _noisy(log_probs: FloatArray, rng: np.random.Generator | None) -> FloatArray:
    """Log-probabilities plus Gumbel noise where there is an `rng`: the highest one is a draw from the softmax."""
    if rng is None:
        return log_probs
    noise = -np.log(-np.log(rng.random(log_probs.shape) + 1e-20) + 1e-20)
    noisy: FloatArray = log_probs + noise
    return noisy


def decide(
    forward: Forward,
    conversations: Sequence[Conversation],
    rng: np.random.Generator | None = None,
    whole: Sequence[bool] | None = None,
) -> list[Sample]:
    """One decision for each conversation (all over the same tools): sampled with `rng`, the most likely one without.

    pi(decision | s) = pi(tool | s) * prod_p pi(argument_p | s, tool, arguments so far)
    whole: False where only the tool and the value are wanted, and no arguments. (The oracle decides there.)
    """
    tools = conversations[0].tools
    observations = [conversation.observe() for conversation in conversations]
    states = collate_states(forward.table, observations)
    tool_bags = np.array([forward.table.number(view.bag) for view in tools.views], dtype=np.int64)
    h = forward.state(states)
    log_probs = log_softmax(forward.tool_logits(h, tool_bags, states))
    picked = _pick(log_probs, rng)
    values = forward.values(h)
    samples = []
    for i, tool in enumerate(picked):
        kind = tools.views[tool].kind
        decision = Decision(kind, ToolCall("") if kind == "tool" else None)
        samples.append(
            Sample(
                observations[i], int(tool), decision, float(values[i]), float(log_probs[i, tool])
            )
        )
    pointing = [
        i
        for i, sample in enumerate(samples)
        if tools.views[sample.tool].parameters and (whole is None or whole[i])
    ]
    arguments = _point(forward, conversations, samples, pointing, h, rng)
    for i, sample in enumerate(samples):
        sample.decision = _decision(tools, sample, arguments[i], np.exp(log_probs[i]))
    return samples


def _point(
    forward: Forward,
    conversations: Sequence[Conversation],
    samples: list[Sample],
    open_: list[int],
    h: FloatArray,
    rng: np.random.Generator | None,
) -> list[dict[str, Json]]:
    """Choose the arguments of the calls in `open_`, parameter by parameter; fills `choices`, `chosen`, `log_prob`."""
    tools = conversations[0].tools
    arguments: list[dict[str, Json]] = [{} for _ in samples]
    previous: list[Bag | None] = [None] * len(samples)
    position = 0
    while open_:
        rows = []
        for i in open_:
            parameter = tools.views[samples[i].tool].parameters[position]
            rows.append(conversations[i].choices(samples[i].tool, parameter, arguments[i]))
        pointers = collate_pointers(forward.table, open_, rows, [previous[i] for i in open_])
        log_probs = log_softmax_by(pointers, forward.point_logits(h, pointers))
        noisy = _noisy(log_probs, rng)
        for i, choice, start in zip(open_, rows, pointers.starts, strict=True):
            sample = samples[i]
            index = int(noisy[start : start + len(choice.candidates)].argmax())
            sample.choices.append(choice)
            sample.chosen.append(index)
            sample.log_prob += float(log_probs[start + index])
            candidate = choice.candidates[index]
            previous[i] = candidate.bag
            if candidate.value is not OMIT:
                arguments[i][choice.parameter.name] = candidate.value
        position += 1
        open_ = [i for i in open_ if len(tools.views[samples[i].tool].parameters) > position]
    return arguments


def _decision(
    tools: ToolSet, sample: Sample, arguments: dict[str, Json], probabilities: FloatArray
) -> Decision:
    view = tools.views[sample.tool]
    best = np.argsort(-probabilities)[:3]
    alternatives = tuple((tools.views[i].name, round(float(probabilities[i]), 4)) for i in best)
    confidence = float(np.exp(sample.log_prob))
    call = ToolCall(view.name, arguments) if view.kind == "tool" else None
    return Decision(view.kind, call, ANSWERS.get(view.kind, ""), confidence, alternatives)


def same_tools(some: Sequence[Tool], others: Sequence[Tool]) -> bool:
    """Whether a policy may take these for each other: arguments are chosen in the order of the parameters, so it counts."""
    return list(some) == list(others) and all(
        list(a.properties) == list(b.properties) for a, b in zip(some, others, strict=True)
    )


class PolicyRuntime:
    """A trained policy that acts: `act(turns, tools) -> Decision`. Thread-safe; one decision is made at a time.

    Confidence is calibrated by the manifest's `calibration`, where it has one; which decision is made does not change.
    Raises `ValueError` for a calibration that is none.
    """

    def __init__(
        self, weights: Mapping[str, NDArray[np.float32]], manifest: Mapping[str, Any] | None = None
    ) -> None:
        self.manifest = dict(manifest or {})
        self._calibrate = Calibration.of(self.manifest.get("calibration"))
        self._forward = Forward(weights)
        self._lock = threading.Lock()
        self._tools: ToolSet | None = None

    @classmethod
    def load(cls, directory: Path, role: str = "") -> PolicyRuntime:
        """Read a bundle. role: which member, where it holds a team.

        Raises `models_registry.artifacts.bundle.BundleError` where it is damaged or strange, or a role is missing.
        """
        bundle = load_bundle(directory)
        roles = bundle.manifest.get("roles") or []
        if role not in (roles or [""]):
            known = f"a team of {', '.join(roles)}: name one of them" if roles else "no team"
            raise BundleError(f"{directory.name} holds {known}, not {role or 'no role'!r}")
        return cls(of_role(bundle.weights, role) if role else bundle.weights, bundle.manifest)

    def act(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        """The most likely decision. Without any tools the answer is `final`."""
        return self._decide(turns, tools, must_call=False)

    def call(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        """The most likely tool call; another decision only where no tool's required parameters can be filled."""
        return self._decide(turns, tools, must_call=True)

    def _decide(self, turns: Sequence[Turn], tools: Sequence[Tool], *, must_call: bool) -> Decision:
        with self._lock:
            known = self._tools
            if known is None or (known.tools is not tools and not same_tools(known.tools, tools)):
                known = self._tools = toolset(tuple(tools))
            conversation = Conversation(known, must_call=must_call)
            conversation.extend(turns)
            if len(self._forward.table.bags) > MAX_KEPT_BAGS:
                self._forward.forget()
            decision = decide(self._forward, [conversation])[0].decision
        return replace(decision, confidence=self._calibrate(decision.confidence))
