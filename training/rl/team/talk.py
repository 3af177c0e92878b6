"""What happened inside a team: who decided, who earned, who handed work to whom, and when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from scenarios.core.team import Role
from scenarios.core.types import Json
from training.rl.intervals import mean, rate
from training.rl.progress import EpisodeRecord

LOOP = 3
"""So many times the same hand-off within one episode counts as a loop."""
MOMENTS = 12
"""Decisions of an episode, the first ones, that the picture of who speaks to whom over time shows one by one."""

Pair = tuple[str, str]


@dataclass(slots=True)
class Talk:
    """Counts over episodes of one team; per task where an interval is wanted."""

    roles: tuple[Role, ...]
    tasks: int
    episodes: int = 0
    looped: int = 0
    ticks: int = 0
    handoffs: dict[bool, Counter[Pair]] = field(
        default_factory=lambda: {True: Counter(), False: Counter()}
    )
    """By whether the episode succeeded."""
    moments: list[Counter[Pair]] = field(
        default_factory=lambda: [Counter() for _ in range(MOMENTS)]
    )
    decisions: Counter[str] = field(default_factory=Counter)
    calls: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    right: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    failures: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    earned: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    task: list[int] = field(default_factory=list)

    def add(self, task: int, record: EpisodeRecord, ticks: int) -> None:
        """Count an episode that took so many moments in which somebody decided."""
        self.episodes += 1
        self.ticks += ticks
        self.task.append(task)
        pairs: Counter[Pair] = Counter()
        earned = dict.fromkeys((role.name for role in self.roles), 0.0)
        for number, step in enumerate(record.steps):
            self.decisions[step.role] += 1
            earned[step.role] += step.reward
            if step.decision.kind == "tool":
                self.calls[step.role][task] += 1
                self.right[step.role][task] += step.right
            if step.failure is not None:
                self.failures[step.role][step.failure] += 1
            for receiver in step.to:
                pairs[step.role, receiver] += 1
                if number < MOMENTS:
                    self.moments[number][step.role, receiver] += 1
        self.handoffs[record.success].update(pairs)
        self.looped += any(count >= LOOP for count in pairs.values())
        for name, value in earned.items():
            self.earned[name].append(value)

    def as_json(self) -> dict[str, Json]:
        """The evidence's `team`."""
        names = [role.name for role in self.roles]
        return {
            "episodes": self.episodes,
            "roles": [self._role(role) for role in self.roles],
            "handoffs": [
                {
                    "from": sender,
                    "to": receiver,
                    "in_successes": self.handoffs[True][sender, receiver],
                    "in_failures": self.handoffs[False][sender, receiver],
                    "per_episode": self._both(sender, receiver) / max(1, self.episodes),
                }
                for sender in names
                for receiver in names
                if self._both(sender, receiver)
            ],
            "moments": [
                [{"from": a, "to": b, "count": count} for (a, b), count in sorted(moment.items())]
                for moment in self.moments
            ],
            "looped": self.looped,
        }

    def _both(self, sender: str, receiver: str) -> int:
        return sum(counter[sender, receiver] for counter in self.handoffs.values())

    def _role(self, role: Role) -> dict[str, Json]:
        name = role.name
        return {
            "name": name,
            "title": role.title,
            "decisions": self.decisions[name],
            "calls": sum(self.calls[name].values()),
            "tool_reliability": rate(
                self._per_task(self.right[name]), self._per_task(self.calls[name])
            ),
            "earned": mean(self.earned[name], self.task),
            "idle": 1 - self.decisions[name] / self.ticks if self.ticks else None,
            "failures": dict(sorted(self.failures[name].items())),
        }

    def _per_task(self, counter: Mapping[int, int]) -> list[int]:
        return [counter.get(task, 0) for task in range(self.tasks)]
