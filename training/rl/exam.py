"""An exam: playing one agent on held-out tasks, and counting what happened. No torch in here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from models_registry.policies.conversation import Conversation
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.scenario import Scenario
from scenarios.core.types import Difficulty, Split, Turn
from training.rl.agents import Agent, Seat
from training.rl.calibration import Decided
from training.rl.confusion import Confusion, Due
from training.rl.cost import llm_loop_tokens
from training.rl.episodes import EpisodeBuilder
from training.rl.progress import EpisodeRecord

SEATS = 64
VALIDATION_TASKS = 200
"""Tasks that metrics during training are taken on."""
TIMED_EPISODES = 50
"""Episodes of a batched agent that are decided again, one decision at a time, to measure how long a decision takes."""
KEPT_FIRST, KEPT_FAILED, KEPT_MISTAKES = 12, 12, 48
"""Episodes of the trained policy that are kept as transcripts: the first ones, the first failures, and one for each of
the most frequent mistakes (what was due, what was called)."""


@dataclass(slots=True)
class Tally:
    """What one agent did; lists hold one entry per episode, in order of task and attempt."""

    label: str
    task: list[int] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    success: list[bool] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    reward: list[float] = field(default_factory=list)
    tool_seconds: list[float] = field(default_factory=list)
    decision_seconds: list[float] = field(default_factory=list)
    timed_tasks: list[int] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    measured: list[tuple[int, Mapping[str, tuple[float, float]]]] = field(default_factory=list)
    """Of each episode that measured anything: its task, and what the scenario's world counted."""
    tokens_in: list[int] = field(default_factory=list)
    tokens_out: list[int] = field(default_factory=list)
    kept: list[EpisodeRecord] = field(default_factory=list)
    confusion: Confusion | None = None
    """Of the agent under examination only, as `kept` and `decided`."""
    decided: Decided = field(default_factory=Decided)


@dataclass(frozen=True, slots=True)
class Exam:
    """Which tasks are played: seeds 0 to tasks - 1 of a split, each attempted so many times.

    No more than there are: the same task again would be counted as another one.
    """

    scenario: Scenario
    split: Split
    difficulty: Difficulty
    tasks: int
    attempts: int
    first_seed: int = 0

    def __post_init__(self) -> None:
        there = self.scenario.distinct(self.split, self.difficulty)
        if there is not None and there < self.tasks:
            object.__setattr__(self, "tasks", there)

    def jobs(self) -> list[tuple[int, int]]:
        return [(task, attempt) for task in range(self.tasks) for attempt in range(self.attempts)]


@dataclass(slots=True)
class _Game:
    env: ToolEnv
    seat: Seat
    builder: EpisodeBuilder
    task: int
    seconds: float = 0.0


def play(
    agent: Agent, exam: Exam, confusion: Confusion | None = None
) -> Iterator[tuple[int, EpisodeRecord, float]]:
    """Every job of the exam: (task number, episode, seconds spent deciding), as episodes end; mistakes go to `confusion`."""
    tools = ToolSet(exam.scenario.tools)
    waiting = iter(exam.jobs())
    games: list[_Game] = []
    while True:
        while len(games) < SEATS and (job := next(waiting, None)) is not None:
            games.append(_open(exam, tools, *job))
        if not games:
            return
        started = time.perf_counter()
        decisions = agent.decide([game.seat for game in games])
        each = (time.perf_counter() - started) / len(games)
        going = []
        for game, decision in zip(games, decisions, strict=True):
            seat, before = game.seat, len(game.seat.turns)
            due = Due.of(game.env.world) if confusion and game.env.world else None
            seat.turns, reward, terminated, truncated, info = game.env.step(decision)
            seat.conversation.extend(seat.turns[before:])
            if confusion and due:
                info["due"] = confusion.note(game.task, due, decision, info["verdict"])
            game.builder.add(decision, seat.turns[before:], reward, info)
            game.seconds += each
            if terminated or truncated:
                record = game.builder.finish(
                    success=info["success"], truncated=truncated, because="evidence"
                )
                yield game.task, record, game.seconds
            else:
                going.append(game)
        games = going


def _open(exam: Exam, tools: ToolSet, task: int, attempt: int) -> _Game:
    env = ToolEnv(exam.scenario, exam.split, exam.difficulty)
    turns, info = env.reset(options={"task_seed": exam.first_seed + task, "attempt": attempt})
    conversation = Conversation(tools)
    conversation.extend(turns)
    return _Game(env, Seat(env, conversation, turns), EpisodeBuilder(info, turns, attempt), task)


def tally(
    agent: Agent, exam: Exam, *, keep: bool = False, count_tokens: bool = False
) -> Iterator[Tally]:
    """Play the exam; yields the growing tally after every episode, complete at the end.

    keep: this is the agent under examination; count its mistakes, and keep its confidence and some transcripts.
    """
    out = Tally(agent.label)
    if keep:
        out.confusion = Confusion({tool.name: tool for tool in exam.scenario.tools})
    keeper = Keeper()
    for task, record, seconds in play(agent, exam, out.confusion):
        count(out, task, record)
        if not agent.batched:
            out.decision_seconds.append(seconds)
            out.timed_tasks.append(task)
        if count_tokens:
            spent = llm_loop_tokens(
                _turns(record), exam.scenario.tools, exam.scenario.company_policy
            )
            out.tokens_in.append(spent[0])
            out.tokens_out.append(spent[1])
        if keep:
            for step in record.steps:
                out.decided.add(task, step.decision.confidence, step.right)
            keeper.add(record)
        yield out
    out.kept = keeper.chosen()
    if agent.batched:
        _time_alone(agent, exam, out)
        yield out


def count(out: Tally, task: int, record: EpisodeRecord) -> None:
    calls = [step for step in record.steps if step.decision.kind == "tool"]
    out.task.append(task)
    out.calls.append(len(calls))
    out.right.append(sum(step.right for step in calls))
    out.success.append(record.success)
    out.steps.append(len(record.steps))
    out.reward.append(record.total_reward)
    out.tool_seconds.append(sum(step.seconds for step in record.steps))
    if record.measured:
        out.measured.append((task, record.measured))
    out.failures.update(step.failure for step in record.steps if step.failure is not None)


@dataclass(slots=True)
class Keeper:
    """Which episodes become transcripts; holds those that still may."""

    episodes: int = 0
    first: dict[int, EpisodeRecord] = field(default_factory=dict)
    failed: dict[int, EpisodeRecord] = field(default_factory=dict)
    examples: dict[tuple[str, str], tuple[int, EpisodeRecord]] = field(default_factory=dict)
    mistakes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, record: EpisodeRecord) -> None:
        number = self.episodes
        self.episodes += 1
        if number < KEPT_FIRST:
            self.first[number] = record
        elif not record.success and len(self.failed) < KEPT_FAILED:
            self.failed[number] = record
        made = {(step.due, step.decision.label) for step in record.steps if not step.right}
        self.mistakes.update(made)
        for mistake in made - self.examples.keys():
            self.examples[mistake] = (number, record)

    def chosen(self) -> list[EpisodeRecord]:
        """In the order in which they were played."""
        ranked = sorted(self.mistakes, key=lambda mistake: (-self.mistakes[mistake], mistake))
        kept = {
            **self.first,
            **self.failed,
            **dict(self.examples[m] for m in ranked[:KEPT_MISTAKES]),
        }
        return [kept[number] for number in sorted(kept)]


def _turns(record: EpisodeRecord) -> list[Turn]:
    return [Turn("user", record.opening), *(turn for step in record.steps for turn in step.turns)]


def _time_alone(agent: Agent, exam: Exam, out: Tally) -> None:
    """Measure a batched agent as it will be deployed: one conversation, one decision at a time."""
    short = Exam(
        exam.scenario,
        exam.split,
        exam.difficulty,
        min(exam.tasks, TIMED_EPISODES),
        1,
        exam.first_seed,
    )
    tools = ToolSet(exam.scenario.tools)
    for job in short.jobs():
        game, seconds, over = _open(short, tools, *job), 0.0, False
        while not over:
            started = time.perf_counter()
            fresh = Conversation(tools)
            fresh.extend(game.seat.turns)
            decision = agent.decide([Seat(game.seat.env, fresh, game.seat.turns)])[0]
            seconds += time.perf_counter() - started
            game.seat.turns, _, terminated, truncated, _ = game.env.step(decision)
            over = terminated or truncated
        out.decision_seconds.append(seconds)
        out.timed_tasks.append(job[0])
