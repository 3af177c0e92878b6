"""Teams: who holds work, who reads what, what a hand-off does, and the web shop's three desks."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest

from scenarios.core.check import ScenarioError, check_scenario
from scenarios.core.tasks import Task
from scenarios.core.team import Role, TeamOutcome, TeamScenario, TeamWorld, share
from scenarios.core.team_env import TeamEnv
from scenarios.core.types import DIFFICULTIES, SHARING, Decision, Tool, ToolCall, ToolResult
from scenarios.library import library
from scenarios.library.relay import RelayWorld

FINAL = Decision("final", text="Done.")


def scenario(key: str = "team_support") -> Any:
    found = library.get(key)()
    assert isinstance(found, TeamScenario)
    return found


def opened(seed: int, difficulty: Any = "medium", split: Any = "train") -> TeamEnv:
    env = TeamEnv(scenario(), split, difficulty)
    env.reset(options={"task_seed": seed})
    return env


def oracle_step(env: TeamEnv) -> dict[str, Any]:
    assert env.world is not None
    actions = {role: env.world.oracle_of(role) for role in env.world.active()}
    return env.step(actions)[4]


def call(name: str, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments))


# --- the rules of every team


def test_what_was_earned_is_shared_in_four_ways() -> None:
    earned = {"a": 1.0, "b": 0.0, "c": -0.4}
    assert share(earned, "shared") == pytest.approx(dict.fromkeys("abc", 0.6))
    assert share(earned, "individual") == earned
    assert share(earned, "weighted", 0.25) == pytest.approx({"a": 0.9, "b": 0.15, "c": -0.15})
    competitive = share(earned, "competitive")
    assert competitive == pytest.approx({"a": 1.2, "b": -0.3, "c": -0.9})
    assert sum(competitive.values()) == pytest.approx(0)
    assert len(SHARING) == 4


def test_only_who_holds_work_decides_and_the_receiver_reads_a_message() -> None:
    env = opened(0, "easy")
    world = env.world
    assert world is not None
    assert world.active() == ("triage",)
    with pytest.raises(RuntimeError, match="quality holds no work; only triage may decide"):
        world.act("quality", FINAL)
    while world.active() == ("triage",):
        infos = oracle_step(env)
    assert infos["triage"]["to"] == ("specialist",)
    assert [turn.role for turn in env.views["specialist"]] == ["user"]
    assert str(env.views["specialist"][0].content).startswith("triage: topic ")
    assert env.views["quality"] == []


def test_a_refused_hand_off_moves_nothing() -> None:
    env = opened(0, "easy")
    _, _, _, _, infos = env.step({"triage": call("assign", topic="no such", order_id="ORD-10000")})
    assert env.world is not None
    assert env.world.active() == ("triage",)
    assert infos["triage"]["to"] == ()
    assert infos["triage"]["verdict"].failure == "invalid_argument"


class _Pair(TeamWorld):
    """A lead who gives work to two others at once."""

    def opening(self) -> str:
        return "go"

    def reply(self, question: str) -> str:
        return "no"

    def goals_hold(self) -> bool:
        return True

    def message(self, sender: str, receiver: str, call: ToolCall) -> str:
        return "your turn"

    def work(self, call: ToolCall) -> Any:
        raise AssertionError("there is no other tool")


_EMPTY = {"type": "object", "properties": {}}


class _Duo:
    """As much of a scenario as a world asks for."""

    tools = (Tool("split", "Give to both.", _EMPTY), Tool("report", "Report back.", _EMPTY))
    fault_rate = {"easy": 0.0}  # noqa: RUF012
    roles = (
        Role("lead", "", "", ("split",)),
        Role("a", "", "", ("report",)),
        Role("b", "", "", ("report",)),
    )
    handoffs = {"split": ("a", "b"), "report": ("lead",)}  # noqa: RUF012


def _pair() -> _Pair:
    return _Pair(Task("duo", "train", "easy", 0, "x", ()), 0, _Duo())  # type: ignore[arg-type]


def test_who_gave_work_to_two_goes_on_once_both_have_answered() -> None:
    world = _pair()
    world.act("lead", call("split"))
    assert world.active() == ("a", "b"), "both work at the same moment"
    told: TeamOutcome = world.act("a", call("report"))
    assert told.to == ("lead",)
    assert world.active() == ("b",), "the lead still waits for b"
    world.act("b", call("report"))
    assert world.active() == ("lead",)


def test_the_episode_ends_once_nobody_holds_work() -> None:
    world = _pair()
    world.act("lead", call("split"))
    world.act("a", FINAL)
    assert world.ended_by is None
    outcome = world.act("b", FINAL).outcome
    assert outcome.ended
    assert world.ended_by == "final"


# --- the proofs

_ROLES = scenario("relay").roles


class _Idle(RelayWorld):
    def goals_hold(self) -> bool:
        return True


class _Paid(RelayWorld):
    @property
    def progress(self) -> float:
        return 5.0 * len(self.done)


class _Moody(RelayWorld):
    def message(self, sender: str, receiver: str, call: ToolCall) -> str:
        return f"{super().message(sender, receiver, call)} {next(_CLOCK)}"


class _Telling(RelayWorld):
    def work(self, call: ToolCall) -> ToolResult:
        return ToolResult({"said": "x", "payload": super().work(call).content})


_CLOCK = count()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"roles": (Role("listener", "", "", ("tell_speaker",)), Role("speaker", "", "", ("shout",)))}, "no role has"),
        ({"roles": (*_ROLES, Role("third", "", "", ("sing",)))}, "unknown tools of a role"),
        ({"roles": (*_ROLES, Role("third", "", "", (), passes_to="nobody"))}, "work goes to"),
        ({"roles": (_ROLES[0], Role("talker", "", "", _ROLES[1].tools))}, "work goes to"),
        ({"handoffs": {"tell_speaker": ("speaker",), "give": ("speaker",)}}, "no tool"),
        ({"roles": (Role("listener", "", "", ("tell_speaker", "whisper", "shout")), Role("speaker", "", "", ()))}, "'speaker' cannot reach"),
        ({"world": _Idle}, "doing nothing succeeds"),
        ({"world": _Paid}, "reward .* outside"),
        ({"world": _Moody}, "two different episodes"),
        ({"world": _Telling}, "hidden field 'payload'"),
    ],
)  # fmt: skip
def test_the_check_names_what_is_broken_in_a_team(broken: dict[str, Any], message: str) -> None:
    whole = library.get("relay")()
    kind: Any = broken.pop("world", None)
    if kind is not None:
        broken["world"] = lambda self, task, attempt=0: kind(task, attempt, self)
    team = type("Broken", (type(whole),), broken)
    with pytest.raises(ScenarioError, match=message):
        check_scenario(team(), tasks=3)


# --- the web shop


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_tasks_differ_and_every_kind_occurs(difficulty: Any) -> None:
    kinds: Counter[str] = Counter()
    sent_back = released = asked = 0
    for seed in range(300):
        task = scenario().task("train", difficulty, seed)
        kinds[task.kind] += 1
        tools = [milestone.tool for milestone in task.milestones]
        sent_back += "send_back" in tools
        released += "release" in tools
        asked += "ask" in tools
    assert len(kinds) == 6
    assert min(kinds.values()) > 10
    if difficulty == "easy":
        assert (sent_back, released, asked) == (0, 0, 0)
    else:
        assert min(sent_back, released, asked) > 10


def test_a_forbidden_change_is_carried_out_and_costs_the_episode() -> None:
    seed = next(
        s for s in range(100) if scenario().task("train", "easy", s).payload.outcome == "declined"
    )
    env = opened(seed, "easy")
    world: Any = env.world
    while world.active() == ("triage",):
        oracle_step(env)
    order = world.case.order
    _, _, _, _, infos = env.step({"specialist": call("cancel", order_id=order.order_id)})
    assert infos["specialist"]["verdict"].failure == "policy_breach"
    assert world.changes == [("cancel", order.order_id, None)]
    while env.agents:
        infos = oracle_step(env)
    assert infos["quality"]["success"] is False


def test_no_case_ends_well_before_quality_has_read_it() -> None:
    for seed in range(40):
        env = opened(seed, "medium")
        world: Any = env.world
        if world.task.kind == "not_ours":
            continue
        while "quality" not in world.active():
            oracle_step(env)
        _, _, terminated, _, infos = env.step({"quality": FINAL})
        assert terminated["quality"]
        assert infos["quality"]["success"] is False


def _told(kind: str) -> int:
    """An easy task of this kind in which something has to be done."""
    tasks = ((seed, scenario().task("train", "easy", seed)) for seed in range(300))
    return next(seed for seed, t in tasks if t.kind == kind and t.payload.outcome == "done")


def test_the_end_is_judged_by_what_is_on_record_not_by_the_path() -> None:
    """Whoever cancels without a look at the order, and is lucky, has done what was wanted."""
    env = opened(_told("cancellation"), "easy")
    world: Any = env.world
    while world.active() == ("triage",):
        oracle_step(env)
    order_id = world.case.order.order_id
    _, _, _, _, infos = env.step({"specialist": call("cancel", order_id=order_id)})
    assert infos["specialist"]["verdict"].failure == "order", "it is a mistake all the same"
    env.step({"specialist": call("submit", outcome="done")})
    env.step({"quality": call("review", order_id=order_id)})
    _, _, _, _, infos = env.step({"quality": FINAL})
    assert infos["quality"]["success"] is True


def test_a_credit_before_quality_has_sent_the_case_back_is_a_breach() -> None:
    seed = next(s for s in range(200) if scenario().task("train", "hard", s).payload.bounced)
    env = opened(seed, "hard")
    world: Any = env.world
    world.fault_rate = 0.0
    while not world.changes:
        oracle_step(env)
    order = world.case.order
    given = call("credit", order_id=order.order_id, amount=order.price)
    _, _, _, _, infos = env.step({"specialist": given})
    assert infos["specialist"]["verdict"].failure == "policy_breach"


def test_a_change_after_quality_has_read_has_to_be_read_again() -> None:
    seed = next(s for s in range(200) if scenario().task("train", "hard", s).payload.bounced)
    env = opened(seed, "hard")
    world: Any = env.world
    while len(world.changes) < 2:
        oracle_step(env)
    assert [change[0] for change in world.changes] == ["refund", "credit"]
    _, _, terminated, _, infos = env.step({"specialist": FINAL})
    assert terminated["specialist"]
    assert infos["specialist"]["success"] is False


def test_what_bounced_is_sent_back_and_credited() -> None:
    bounced = [s for s in range(200) if scenario().task("train", "hard", s).payload.bounced]
    env = opened(bounced[0], "hard")
    world: Any = env.world
    done: list[str] = []
    while env.agents:
        actions = {role: world.oracle_of(role) for role in world.active()}
        done += [f"{role} {decision.label}" for role, decision in actions.items()]
        infos = env.step(actions)[4]
    assert infos["triage"]["success"] is True
    places = [done.index(step) for step in ("quality send_back", "specialist credit")]
    assert places == sorted(places)
    assert {change[0] for change in world.changes} == {"refund", "credit"}
