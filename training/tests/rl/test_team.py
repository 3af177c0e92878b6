"""Teams: who is paid for what, which parameters learn from it, and that a team learns, repeats itself and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models_registry.artifacts.bundle import BundleError, save_bundle, weights_hash
from models_registry.policies.conversation import Conversation
from models_registry.policies.runtime import PolicyRuntime
from models_registry.policies.team import CRITIC, of_role, untrained
from models_registry.policies.toolset import ToolSet
from scenarios.core.stage import Stage
from scenarios.core.team import TeamScenario
from scenarios.core.team_env import TeamEnv
from scenarios.core.types import DIFFICULTIES, SPLITS, Turn
from scenarios.library import library
from training.rl.agents import OracleAgent
from training.rl.batch import Batch
from training.rl.config import TrainConfig, parse_config
from training.rl.exam import Exam
from training.rl.imitation import demonstrate
from training.rl.progress import Progress
from training.rl.rollout import Order
from training.rl.team.agents import MissingAgent
from training.rl.team.evaluation import evaluate
from training.rl.team.exam import play
from training.rl.team.lanes import Lane
from training.rl.team.network import TeamNetwork
from training.rl.team.rollout import Minds, TeamCollector
from training.rl.team.talk import Talk
from training.rl.train import manifest, train
from training.rl.versions import evaluate_version

ROLES = ("listener", "speaker")
BOTH = frozenset({"tool", "arguments"})
SMALL: dict[str, Any] = {
    "scenario": "relay",
    "episodes": 5_000,
    "warm_start": 0.1,
    "learning_rate": 2e-3,
    "environments": 32,
    "rollout_steps": 16,
    "collectors": 1,
    "evaluation_tasks": 10,
    "evaluation_attempts": 2,
}


def configured(**values: Any) -> TrainConfig:
    return parse_config({**SMALL, **values})


def relay() -> TeamScenario:
    scenario = library.get("relay")()
    assert isinstance(scenario, TeamScenario)
    return scenario


def collector(*, critic: bool = True, sharing: Any = "shared", lanes: int = 6) -> TeamCollector:
    scenario = relay()
    return TeamCollector(
        lambda: TeamEnv(scenario, "train", "easy", sharing=sharing), lanes, (0,), critic=critic
    )


def order(**more: Any) -> Order:
    return Order(**{"steps": 4, "discount": 1.0, "lam": 1.0, "stage": Stage("easy"), **more})


def collected(*, critic: bool = True, **more: Any) -> dict[str, Batch]:
    weights = untrained(ROLES, 0, critic=critic)
    batches, _ = collector(critic=critic).collect(weights, order(**more))
    return {batch.role: batch for batch in batches}


# --- who is paid


def test_a_role_is_paid_what_comes_until_its_next_decision() -> None:
    """The listener tells (half the milestones) and waits; the speaker says the rest and ends."""
    lanes = _guided(collector())
    for lane in lanes:
        step = -0.005
        assert [len(lane.moves[role]) for role in ROLES] == [1, 2]
        # Shared: the sum of all that the team earned since, at the end its two halves of the success.
        told, said, ended = 0.5 + step, 0.5 + step, 1.0 + step
        assert lane.moves["listener"][0].reward == pytest.approx(told + said + ended)
        assert [m.reward for m in lane.moves["speaker"]] == pytest.approx([said, ended])
        assert lane.record is not None
        assert lane.record.success
        assert lane.record.total_reward == pytest.approx(told + said + ended)


def test_zero_sum_rewards_sum_to_zero_at_every_step() -> None:
    env = TeamEnv(relay(), "train", "easy", sharing="competitive")
    env.reset(seed=0)
    seen = []
    while env.agents:
        assert env.world is not None
        actions = {role: env.world.oracle_of(role) for role in env.world.active()}
        seen.append(env.step(actions)[1])
    assert [sum(rewards.values()) for rewards in seen] == pytest.approx([0.0] * len(seen))
    assert any(abs(value) > 0.1 for rewards in seen for value in rewards.values())


def _guided(collecting: TeamCollector) -> list[Lane]:
    found: list[Lane] = []
    play_round = collecting._round

    def noted(*arguments: Any) -> list[Lane]:
        lanes = play_round(*arguments)
        found.extend(lanes)
        return lanes

    collecting._round = noted  # type: ignore[method-assign, assignment]
    collecting.collect(untrained(ROLES, 0, critic=collecting.critic), order(guidance=1.0))
    return found


def test_returns_are_the_sums_of_what_follows() -> None:
    """Without discount, with lambda 1, a return is the sum of the later rewards, whatever the values are."""
    found = collected(guidance=1.0)
    assert found["listener"].returns == pytest.approx(np.full(len(found["listener"]), 1.985))
    assert sorted(set(np.round(found["speaker"].returns, 4))) == pytest.approx([0.995, 1.49])


def test_groups_attempt_the_same_task() -> None:
    found = collected(credit="group", group_size=3)
    for batch in found.values():
        assert np.isfinite(batch.advantages).all()
    assert set(np.round(found["listener"].returns, 3)) != {0.0}


# --- which parameters learn


@pytest.mark.parametrize("critic", [True, False])
def test_a_members_decisions_move_only_that_member_and_the_critic(critic: bool) -> None:
    weights = untrained(ROLES, 0, critic=critic)
    network = TeamNetwork(weights, ROLES, BOTH, critic=critic)
    batch = collected(critic=critic)["speaker"]
    log_probs, _, values = network.terms(batch.minibatch(np.arange(len(batch))))
    log_probs.sum().backward(retain_graph=True)  # type: ignore[no-untyped-call]
    assert _moved(network) == {"speaker"}
    values.sum().backward()  # type: ignore[no-untyped-call]
    assert _moved(network) == ({"speaker", CRITIC} if critic else {"speaker"})


def _moved(network: TeamNetwork) -> set[str]:
    return {
        name.partition("/")[0]
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }


def test_the_critic_values_what_the_rollout_valued() -> None:
    """The torch and the numpy side read the same of what the whole team has seen."""
    weights = untrained(ROLES, 0, critic=True)
    lanes = _guided(collector())
    network = TeamNetwork(weights, ROLES, BOTH, critic=True)
    minds = Minds(weights, ROLES, critic=True)
    expected = minds.judged([move.joint for lane in lanes for move in lane.moves["listener"]])
    batch = collected(guidance=1.0)["listener"]
    found = network.terms(batch.minibatch(np.arange(len(batch))))[2].detach().numpy()
    assert found == pytest.approx(expected[: len(found)], abs=1e-5)


def test_a_packed_batch_of_a_team_comes_back_equal() -> None:
    batch = collected()["speaker"]
    again = Batch.unpack(batch.pack())
    index = np.arange(len(batch))
    assert again.role == "speaker"
    mini, other = batch.minibatch(index).joint, again.minibatch(index).joint
    assert mini is not None
    assert other is not None
    for a, b in zip(mini, other, strict=True):
        assert a.tolist() == b.tolist()


# --- it learns


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"critic": "independent", "reward_sharing": "individual"},
        {"algorithm": "grpo"},
        {"algorithm": "reinforce", "rollout_steps": 8, "entropy_coefficient": 0.02},
    ],
)
def test_a_team_learns_relay_after_a_short_warm_start(more: dict[str, Any]) -> None:
    seen = list(train(configured(**more)))
    after = next(p for p in seen if p.episodes >= 500 and p.metrics)
    assert (after.metrics["success"] or 0.0) < 0.6, "the warm start alone does not do it"
    evidence = seen[-1].evidence
    assert evidence is not None
    agents = evidence["agents"]
    assert agents["trained"]["success"]["value"] > 0.9
    assert agents["oracle"]["success"]["value"] == 1
    for name in ("untrained", "random", "untrained_listener", "untrained_speaker"):
        assert agents[name]["success"]["value"] < 0.5, name
    assert agents["without_speaker"]["success"]["value"] == 0


@pytest.mark.parametrize("more", [{}, {"algorithm": "grpo", "collectors": 2}])
def test_a_teams_run_from_a_checkpoint_equals_the_unbroken_one(more: dict[str, Any]) -> None:
    config = configured(episodes=600, warm_start=0.5, checkpoint_interval=150, **more)
    whole = [p for p in train(config) if p.phase == "training"]
    states = [p for p in whole if p.state is not None]
    for start in (states[0], states[-2]):
        rest = [p for p in train(config, resume=start.state) if p.phase == "training"]
        expected = whole[whole.index(start) + 1 :]
        assert [_timeless(p) for p in rest] == [_timeless(p) for p in expected]


def _timeless(progress: Progress) -> Any:
    metrics = {k: v for k, v in progress.metrics.items() if k != "steps_per_second"}
    weights = None if progress.weights is None else weights_hash(progress.weights)
    return progress.update, progress.episodes, progress.env_steps, metrics, weights


# --- what is told of it


def test_what_happened_inside_a_team_is_counted() -> None:
    exam = Exam(relay(), "test", "easy", 5, 2)
    talk = Talk(relay().roles, 5)
    members = {role: OracleAgent() for role in ROLES}
    for game in play(members, exam):
        assert game.lane.record is not None
        talk.add(game.task, game.lane.record, game.lane.env.steps)
    told = talk.as_json()
    assert told["handoffs"] == [
        {
            "from": "listener",
            "to": "speaker",
            "in_successes": 10,
            "in_failures": 0,
            "per_episode": 1.0,
        }
    ]
    assert told["moments"][0] == [{"from": "listener", "to": "speaker", "count": 10}]
    listener, speaker = told["roles"]
    assert (listener["decisions"], speaker["decisions"]) == (10, 20)
    assert (listener["calls"], speaker["calls"]) == (10, 10)
    assert listener["tool_reliability"]["value"] == 1
    assert listener["idle"] == pytest.approx(2 / 3)
    assert told["looped"] == 0


def test_a_missing_member_passes_the_work_on_or_ends_it() -> None:
    exam = Exam(relay(), "test", "easy", 6, 2)
    for role, successes in (("listener", range(1, 12)), ("speaker", range(1))):
        members = {r: MissingAgent(relay(), r) if r == role else OracleAgent() for r in ROLES}
        records = [game.lane.record for game in play(members, exam)]
        assert sum(record.success for record in records if record is not None) in successes


def test_evidence_of_a_team_names_every_lineup_with_its_n() -> None:
    weights = untrained(ROLES, 0, critic=True)
    *_, last = evaluate(weights, Exam(relay(), "test", "easy", 6, 4))
    assert last.evidence is not None
    agents = last.evidence["agents"]
    assert {name: agent["episodes"] for name, agent in agents.items()} == {
        "trained": 24,
        "untrained": 24,
        "random": 24,
        "oracle": 24,
        "untrained_listener": 12,
        "without_listener": 12,
        "untrained_speaker": 12,
        "without_speaker": 12,
    }
    assert set(agents["without_speaker"]["pass_hat"]) == {"1", "2"}
    assert last.evidence["cost"]["llm_loop"]["tokens_per_success"] > 0
    assert all(step.role in ROLES for record in last.kept for step in record.steps)


def test_a_teams_bundle_gives_back_each_member(tmp_path: Path) -> None:
    weights = untrained(ROLES, 0, critic=True)
    facts = manifest(configured(difficulty="easy"), relay())
    assert facts["roles"] == list(ROLES)
    save_bundle(tmp_path / "team", weights, facts)
    with pytest.raises(BundleError, match="a team of listener, speaker: name one of them"):
        PolicyRuntime.load(tmp_path / "team")
    with pytest.raises(BundleError, match="name one of them, not 'boss'"):
        PolicyRuntime.load(tmp_path / "team", "boss")
    listener = PolicyRuntime.load(tmp_path / "team", "listener")
    decision = listener.call([Turn("user", 'shout "fernbay"')], relay().role_tools("listener"))
    assert decision.label == "tell_speaker"
    *_, last = evaluate_version(tmp_path / "team", tasks=3, attempts=1)
    assert last.evidence is not None
    assert last.evidence["agents"]["oracle"]["success"]["value"] == 1
    with pytest.raises(KeyError, match="no policy for the role 'boss'"):
        of_role(weights, "boss")


@pytest.mark.parametrize("key", ["relay", "team_support", "collaborative_coding"])
def test_every_decision_of_the_oracle_can_be_pointed_at(key: str) -> None:
    """In every split and difficulty, each role's own conversation holds each argument that it needs."""
    team = library.get(key)()
    assert isinstance(team, TeamScenario)
    views = {role.name: ToolSet(team.role_tools(role.name)) for role in team.roles}
    for split in SPLITS:
        for difficulty in DIFFICULTIES:
            for seed in range(25):
                env = TeamEnv(team, split, difficulty)
                seen, _ = env.reset(options={"task_seed": seed})
                conversations = {role: Conversation(tools) for role, tools in views.items()}
                conversations[env.possible_agents[0]].extend(seen[env.possible_agents[0]])
                while env.agents and env.world is not None:
                    actions = {}
                    for role in env.world.active():
                        env.world.role = role
                        label = demonstrate(
                            env.world, conversations[role], conversations[role].observe()
                        )
                        assert label is not None, f"{key} {split}/{difficulty}/{seed}: {role}"
                        actions[role] = label.decision
                    _, _, _, _, infos = env.step(actions)
                    for info in infos.values():
                        for role, turns in info.get("seen", {}).items():
                            conversations[role].extend(turns)
                assert infos[env.possible_agents[0]]["success"], (
                    f"{key} {split}/{difficulty}/{seed}"
                )
