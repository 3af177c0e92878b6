"""Reward terms: small pure functions, logged one by one and weighted in the config.

Progress is paid once, as the difference of a potential (Ng, Harada & Russell 1999), so repeating a right call earns
nothing. Penalties stay well below the value of finishing, and quitting is the worst ending: otherwise the policy
learns to give up at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.core.tasks import Verdict


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """Weight of each term; the sum of the weighted terms is the reward of a step."""

    progress: float = 1.0
    """Paid for the share of milestones that this step newly reached."""
    success: float = 1.0
    """Paid once, when the episode ends with its goals reached."""
    quit: float = 1.0
    """Taken once, when the episode ends (or runs out of steps) without success."""
    wrong_call: float = 0.25
    """Taken for every decision that was not right."""
    breach: float = 0.3
    """Taken when a written company policy was broken."""
    step: float = 0.005
    """Taken for every decision: shorter is better."""


def progress(before: float, after: float) -> float:
    """Newly reached share of the milestones, in [0, 1]."""
    return after - before


def success(ended: bool, succeeded: bool) -> float:
    return float(ended and succeeded)


def quit_(ended: bool, succeeded: bool) -> float:
    return -float(ended and not succeeded)


def wrong_call(verdict: Verdict) -> float:
    return -float(not verdict.right)


def breach(verdict: Verdict) -> float:
    return -float(verdict.failure == "policy_breach")


def step() -> float:
    return -1.0


def terms(
    weights: RewardWeights,
    *,
    verdict: Verdict,
    before: float,
    after: float,
    ended: bool,
    succeeded: bool,
) -> dict[str, float]:
    """The weighted terms of one step by name."""
    return {
        "progress": weights.progress * progress(before, after),
        "success": weights.success * success(ended, succeeded),
        "quit": weights.quit * quit_(ended, succeeded),
        "wrong_call": weights.wrong_call * wrong_call(verdict),
        "breach": weights.breach * breach(verdict),
        "step": weights.step * step(),
    }


def bounds(weights: RewardWeights) -> tuple[float, float]:
    """Smallest and largest reward of a single step."""
    low = -(weights.quit + weights.wrong_call + weights.breach + weights.step)
    return low, weights.progress + weights.success
