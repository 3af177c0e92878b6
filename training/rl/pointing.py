"""Whether a scenario can be learned at all: every step of its reference path has to be something the policy can point at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from models_registry.policies.conversation import Conversation
from models_registry.policies.toolset import ToolSet
from scenarios.core.episode import Episode
from scenarios.core.scenario import Scenario
from scenarios.core.stage import Stage
from scenarios.core.types import DIFFICULTIES, SPLITS, Decision
from training.rl.imitation import demonstrate


def out_of_reach(scenario: Scenario, tasks: int = 20) -> list[str]:
    """The oracle's calls whose arguments stand nowhere that the policy looks, most frequent first; each with an example."""
    found: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for place, decision in _unreachable(scenario, tasks):
        what = decision.label
        found[what] += 1
        given = decision.call.arguments if decision.call is not None else {}
        examples.setdefault(
            what, f"{what}({', '.join(f'{k}={v!r}' for k, v in given.items())}) in {place}"
        )
    return [f"{examples[what]} ({count} times)" for what, count in found.most_common()]


def _unreachable(scenario: Scenario, tasks: int) -> Iterator[tuple[str, Decision]]:
    tools = ToolSet(scenario.tools)
    for split in SPLITS:
        for difficulty in DIFFICULTIES:
            for seed in range(tasks):
                episode = Episode(scenario, split, Stage(difficulty), seed)
                conversation = Conversation(tools)
                read = 0
                while not episode.over:
                    conversation.extend(tuple(episode.turns[read:]))
                    read = len(episode.turns)
                    if demonstrate(episode.world, conversation, conversation.observe()) is None:
                        yield f"{split}/{difficulty}/{seed}", episode.world.oracle()
                    episode.step(episode.world.oracle())
