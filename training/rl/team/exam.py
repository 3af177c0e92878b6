"""Playing a team on held-out tasks, and counting what happened. No torch in here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from models_registry.policies.conversation import Conversation
from scenarios.core.team import TeamScenario
from scenarios.core.team_env import TeamEnv
from scenarios.core.types import Decision
from training.rl.agents import Seat
from training.rl.confusion import Confusion, Due
from training.rl.cost import llm_loop_tokens
from training.rl.exam import SEATS, TIMED_EPISODES, Exam, Keeper, Tally, count
from training.rl.team.agents import Lineup, Members
from training.rl.team.lanes import Lane, Views
from training.rl.team.talk import Talk


def scenario_of(exam: Exam) -> TeamScenario:
    """The exam's scenario. Raises `TypeError` where it is not one for a team."""
    if not isinstance(exam.scenario, TeamScenario):
        raise TypeError(f"{exam.scenario.key} is no scenario for a team")
    return exam.scenario


@dataclass(slots=True)
class Game:
    """One episode of an exam. seconds: spent deciding."""

    task: int
    lane: Lane
    seconds: float = 0.0
    due: dict[str, str] = field(default_factory=dict)


def play(members: Members, exam: Exam, confusion: Confusion | None = None) -> Iterator[Game]:
    """Every job of the exam, as episodes end; mistakes go to `confusion`."""
    scenario = scenario_of(exam)
    views = Views(scenario)
    waiting = iter(exam.jobs())
    games: list[Game] = []
    while True:
        while len(games) < SEATS and (job := next(waiting, None)) is not None:
            games.append(Game(job[0], _open(exam, scenario, views, job)))
        if not games:
            return
        for game, decisions in zip(games, _decide(members, games), strict=True):
            due = _due(game, decisions) if confusion is not None else {}
            labels = {role: found.expected for role, found in due.items()}
            infos = game.lane.step(decisions, labels)
            if confusion is not None:
                for role, found in due.items():
                    if "verdict" in infos[role]:
                        verdict = infos[role]["verdict"]
                        confusion.note(game.task, found, decisions[role], verdict)
        yield from (game for game in games if game.lane.record is not None)
        games = [game for game in games if game.lane.record is None]


def _open(exam: Exam, scenario: TeamScenario, views: Views, job: tuple[int, int]) -> Lane:
    env = TeamEnv(scenario, exam.split, exam.difficulty)
    options = {"task_seed": exam.first_seed + job[0], "attempt": job[1]}
    return Lane.open(env, options, views.conversations())


def _decide(members: Members, games: list[Game]) -> list[dict[str, Decision]]:
    """What everyone who holds work does next, role by role over all games."""
    decided: list[dict[str, Decision]] = [{} for _ in games]
    for role, agent in members.items():
        at = [n for n, game in enumerate(games) if role in game.lane.active]
        if not at:
            continue
        seats = [_seat(games[n].lane, role) for n in at]
        began = time.perf_counter()
        decisions = agent.decide(seats)
        each = (time.perf_counter() - began) / len(at)
        for n, decision in zip(at, decisions, strict=True):
            decided[n][role] = decision
            games[n].seconds += each
    return decided


def _seat(lane: Lane, role: str) -> Seat:
    if lane.env.world is not None:
        lane.env.world.role = role  # the oracle is asked as this one
    return Seat(lane.env, lane.conversations[role], ())


def _due(game: Game, decisions: Mapping[str, Decision]) -> dict[str, Due]:
    world, found = game.lane.env.world, {}
    for role in decisions:
        if world is not None:
            world.role = role
            found[role] = Due.of(world)
    return found


def tally(
    lineup: Lineup, exam: Exam, *, talk: Talk | None = None, count_tokens: bool = False
) -> Iterator[Tally]:
    """Play the exam; yields the growing tally after every episode, complete at the end.

    talk: this is the team under examination; count its mistakes and what it says, and keep some transcripts.
    """
    scenario, members = scenario_of(exam), lineup.members()
    out = Tally(lineup.label)
    if talk is not None:
        out.confusion = Confusion({tool.name: tool for tool in scenario.tools})
    keeper = Keeper()
    for game in play(members, exam, out.confusion):
        record = game.lane.record
        if record is None:
            continue
        count(out, game.task, record)
        if not lineup.batched:
            out.decision_seconds.append(game.seconds)
            out.timed_tasks.append(game.task)
        if count_tokens:
            _count_tokens(out, game.lane, scenario)
        if talk is not None:
            talk.add(game.task, record, game.lane.env.steps)
            for step in record.steps:
                out.decided.add(game.task, step.decision.confidence, step.right)
            keeper.add(record)
        yield out
    out.kept = keeper.chosen()
    if lineup.batched:
        _time_alone(members, exam, out)
        yield out


def _count_tokens(out: Tally, lane: Lane, scenario: TeamScenario) -> None:
    """What a team of LLM loops would read and write: each member its own conversation and its own tools."""
    spent = [
        llm_loop_tokens(turns, scenario.role_tools(role), scenario.company_policy)
        for role, turns in lane.env.views.items()
        if turns
    ]
    out.tokens_in.append(sum(pair[0] for pair in spent))
    out.tokens_out.append(sum(pair[1] for pair in spent))


def _time_alone(members: Members, exam: Exam, out: Tally) -> None:
    """Measure as it will be deployed: one task, one decision at a time, each conversation read afresh."""
    scenario = scenario_of(exam)
    views = Views(scenario)
    for task in range(min(exam.tasks, TIMED_EPISODES)):
        game = Game(task, _open(exam, scenario, views, (task, 0)))
        while game.lane.record is None:
            for role in game.lane.active:
                began = time.perf_counter()
                fresh = game.lane.conversations[role] = Conversation(views.of[role])
                fresh.extend(game.lane.env.views[role])
                game.seconds += time.perf_counter() - began
            [decisions] = _decide(members, [game])
            game.lane.step(decisions)
        out.decision_seconds.append(game.seconds)
        out.timed_tasks.append(task)
