"""Gymnasium environments in the trainer: spaces, masks, truncation, the written-out gradient, learning, resuming."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from models_registry.artifacts.bundle import weights_hash
from scenarios.core.stage import Stage
from training.rl.config import ConfigError, TrainConfig, parse_config
from training.rl.gym.collector import GymSource
from training.rl.gym.network import GymExperience, GymNetwork
from training.rl.gym.problem import GymTask
from training.rl.gym.scales import SCALES, Eye
from training.rl.gym.spaces import Actions, Observations, UnsupportedSpace
from training.rl.gym.towers import MASKED, initial_weights
from training.rl.problem import problem_of
from training.rl.progress import Progress
from training.rl.rollout import Order
from training.rl.train import train

SMALL: dict[str, Any] = {
    "scenario": "gym:CartPole-v1",
    "steps": 6_000,
    "environments": 8,
    "rollout_steps": 32,
    "learning_rate": 1e-3,
    "update_epochs": 4,
    "checkpoint_interval": 60,
    "evaluation_tasks": 5,
}


class Clock(gymnasium.Env[Any, Any]):
    """Pays 1 a step and says how many steps there were; `gymnasium.make` cuts it off after 3."""

    observation_space = spaces.Box(0, 10, (1,))
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.now = 0
        return np.array([0.0], np.float32), {}

    def step(self, action: Any) -> Any:
        self.now += 1
        return np.array([self.now], np.float32), 1.0, False, False, {}


class Bomb(Clock):
    """Ends by itself after 2 steps."""

    def step(self, action: Any) -> Any:
        observation, reward, _, _, info = super().step(action)
        return observation, reward, self.now == 2, False, info


class Gates(gymnasium.Env[Any, Any]):
    """Allows a random part of the choices, and fails loudly where another one is taken."""

    observation_space = spaces.MultiDiscrete([3, 4])
    action_space = spaces.MultiDiscrete([3, 5])

    def action_masks(self) -> Any:
        return self.allowed

    def _next(self) -> Any:
        self.allowed = self.np_random.random(8) < 0.4
        self.allowed[self.np_random.integers(3)] = self.allowed[3 + self.np_random.integers(5)] = 1
        return self.np_random.integers([3, 4])

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.left = 20
        return self._next(), {}

    def step(self, action: Any) -> Any:
        if not (self.allowed[action[0]] and self.allowed[3 + action[1]]):
            raise AssertionError(f"{action} is masked")
        self.left -= 1
        return self._next(), 0.0, self.left == 0, False, {"is_success": self.left == 0}


KINDS: tuple[type[gymnasium.Env[Any, Any]], ...] = (Clock, Bomb, Gates)


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Any:
    for kind in KINDS:
        cut = 3 if kind is Clock else None
        name = f"agentgym-test/{kind.__name__}-v0"
        gymnasium.register(name, lambda kind=kind, **_: kind(), max_episode_steps=cut)
    yield
    for name in (kind.__name__ for kind in KINDS):
        del gymnasium.registry[f"agentgym-test/{name}-v0"]


def configured(**values: Any) -> TrainConfig:
    return parse_config({**SMALL, **values})


def learned(config: TrainConfig, **more: Any) -> list[Progress]:
    return [p for p in train(config, **more) if p.phase != "evidence"]


def order(steps: int, discount: float = 0.9, lam: float = 1.0) -> Order:
    return Order(steps, discount, lam, Stage("medium"))


# --- spaces


def test_observations_become_numbers() -> None:
    box = Observations(spaces.Box(-1, 1, (2, 3)))
    assert box.encode([np.ones((2, 3)), np.zeros((2, 3))]).shape == (2, 6)
    one = Observations(spaces.Discrete(3, start=-1))
    assert one.encode([-1, 1]).tolist() == [[1, 0, 0], [0, 0, 1]]
    many = Observations(spaces.MultiDiscrete([2, 3]))
    assert many.encode([np.array([1, 0]), np.array([0, 2])]).tolist() == [
        [0, 1, 1, 0, 0],
        [1, 0, 0, 0, 1],
    ]
    assert many.encode([np.array([1, 0])]).dtype == np.float32


def test_actions_become_choices_and_come_back() -> None:
    one = Actions(spaces.Discrete(4, start=2))
    assert one.decode(one.best(np.array([[0, 0, 9, 0]], np.float32))) == [4]
    many = Actions(spaces.MultiDiscrete([2, 3]))
    chosen = many.best(np.array([[0, 1, 5, 6, 7]], np.float32))
    assert [action.tolist() for action in many.decode(chosen)] == [[1, 2]]
    assert Actions(spaces.MultiDiscrete(np.array([[2, 3]]))).decode(chosen)[0].shape == (1, 2)


@pytest.mark.parametrize(
    ("read", "space", "words"),
    [
        (Observations, spaces.Dict(a=spaces.Discrete(2)), "observations are of kind Dict"),
        (Actions, spaces.Box(0, 1, (1,)), "only Discrete, MultiDiscrete"),
    ],
)
def test_other_spaces_are_refused_by_name(read: Any, space: Any, words: str) -> None:
    with pytest.raises(UnsupportedSpace, match=words):
        read(space)


def test_a_mask_is_one_row_or_a_row_per_head() -> None:
    actions = Actions(spaces.MultiDiscrete([2, 3]))
    flat = actions.mask(np.array([1, 0, 0, 1, 1], np.int8))
    assert actions.mask((np.array([1, 0]), np.array([0, 1, 1]))).tolist() == flat.tolist()
    with pytest.raises(ValueError, match="leaves no action"):
        actions.mask([True, True, False, False, False])
    with pytest.raises(ValueError, match="has 3 entries, the action space 5"):
        actions.mask([1, 1, 1])


# --- masks, truncation, scales


def test_no_masked_action_is_ever_sampled() -> None:
    task = GymTask(configured(scenario="gym:agentgym-test/Gates-v0", environments=10))
    with task.source() as source:
        [batch], finished = source.collect(task.network.export(), order(1_000))
    assert len(batch) == 10_000
    assert batch.mask is not None
    rows = np.arange(len(batch))
    assert batch.mask[rows, batch.chosen[:, 0]].all()
    assert batch.mask[rows, 3 + batch.chosen[:, 1]].all()
    assert not batch.mask.all()
    assert np.isfinite(batch.old_log_probs).all()
    assert finished.successes == [True] * finished.count
    assert set(finished.lengths) == {20}


def test_a_masked_environment_is_learned_and_judged_under_its_masks() -> None:
    done = learned(configured(scenario="gym:agentgym-test/Gates-v0", steps=600))[-1]
    assert done.evidence is not None, "a masked action would have raised"


@pytest.mark.parametrize(
    ("name", "length", "returns"),
    [("Clock", 3, [10, 10, 10, 10]), ("Bomb", 2, [1.9, 1, 1.9, 1])],
)
def test_truncation_is_bootstrapped_and_termination_is_not(
    name: str, length: int, returns: list[float]
) -> None:
    """With 1 a step, a discount of 0.9 and a value of 10 everywhere, 10 = 1 + 0.9 * 10 goes on for ever."""
    task = GymTask(configured(scenario=f"gym:agentgym-test/{name}-v0"))
    weights = task.network.export()
    weights["value.weight"][:], weights["value.bias"][:] = 0, 10
    with GymSource(task.make, 1, 0) as source:
        [batch], finished = source.collect(weights, order(4))
    assert finished.lengths == [length] * finished.count
    assert batch.returns == pytest.approx(returns)
    shown = [n % length for n in range(4)]
    assert batch.observations[:, 0].tolist() == shown, "no bogus step between episodes"


def test_the_truncated_episode_is_valued_where_it_was_cut_not_where_the_next_begins() -> None:
    task = GymTask(configured(scenario="gym:agentgym-test/Clock-v0", environments=1))
    weights = task.network.export()
    with GymSource(task.make, 1, 0) as source:
        [batch], _ = source.collect(weights, order(3, lam=0.0))
        actor_value = float(_values(weights, [[3.0]])[0])
    assert actor_value != pytest.approx(float(_values(weights, [[0.0]])[0]))
    assert batch.returns[2] == pytest.approx(1 + 0.9 * actor_value, rel=1e-5)


def _values(weights: Any, rows: Any) -> Any:
    from training.rl.gym.towers import Actor

    return Actor(weights).values(np.array(rows, np.float32))


def test_scales_are_those_of_everything_seen() -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal([3, -50], [0.1, 20], (4_000, 2)).astype(np.float32)
    weights = SCALES.initial(2)
    assert Eye(weights, on=True)(seen) == pytest.approx(np.clip(seen, -10, 10), rel=1e-6)
    for part in np.split(seen, 8):
        weights |= SCALES.observe(weights, part)
    scaled = Eye(weights, on=True)(seen)
    assert scaled.mean(0) == pytest.approx([0, 0], abs=1e-2)
    assert scaled.std(0) == pytest.approx([1, 1], abs=1e-2)


# --- the network


def test_the_written_out_gradient_is_that_of_autograd() -> None:
    rng = np.random.default_rng(0)
    actions = Actions(spaces.MultiDiscrete([3, 4]))
    weights = {**initial_weights(5, actions.size, 0), **SCALES.initial(5)}
    weights["policy.weight"] = rng.normal(size=(64, 7)).astype(np.float32)
    network = GymNetwork(weights, actions, None)  # type: ignore[arg-type]
    mask = rng.random((32, 7)) < 0.7
    mask[:, [0, 3]] = True
    batch = GymExperience(
        rng.normal(size=(32, 5)).astype(np.float32),
        np.zeros((32, 2), np.int64),
        mask,
        *(np.zeros(32, np.float32) for _ in range(3)),
    )
    factors = torch.from_numpy(rng.normal(size=(3, 32)).astype(np.float32))
    terms = network.terms(batch.minibatch(np.arange(32)))
    loss = sum((f * t).sum() for f, t in zip(factors, terms, strict=True))
    loss.backward()
    expected = _by_autograd(network, batch)
    again = sum((f * t).sum() for f, t in zip(factors, expected[0], strict=True))
    again.backward()
    for term, other in zip(terms, expected[0], strict=True):
        assert term.detach().numpy() == pytest.approx(other.detach().numpy(), abs=1e-4)
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            own, other = weight.grad, expected[1][name].grad
            assert own is not None
            assert other is not None
            assert own.numpy() == pytest.approx(other.numpy(), abs=2e-3), name


def _by_autograd(network: GymNetwork, batch: GymExperience) -> Any:
    w = {n: p.detach().clone().requires_grad_() for n, p in network.named_parameters()}
    h = torch.from_numpy(batch.observations).expand(2, -1, -1)
    for n in range(2):
        h = torch.tanh(h @ w[f"hidden.{n}.weight"] + w[f"hidden.{n}.bias"])
    scores = h[0] @ w["policy.weight"] + w["policy.bias"]
    scores = scores.masked_fill(~torch.from_numpy(batch.mask), float(MASKED))
    logs = [part.log_softmax(1) for part in torch.split(scores, [3, 4], 1)]
    log_probs = sum(log[:, 0] for log in logs)
    entropy = sum(-(log.exp() * log).sum(1) for log in logs)
    return (log_probs, entropy, (h[1] @ w["value.weight"] + w["value.bias"])[:, 0]), w


def test_the_network_finds_the_probabilities_that_were_acted_with() -> None:
    task = GymTask(configured(scenario="gym:agentgym-test/Gates-v0"))
    with task.source() as source:
        [batch], _ = source.collect(task.network.export(), order(20))
    log_probs, entropy, _ = task.network.terms(batch.minibatch(np.arange(len(batch))))
    assert log_probs.detach().numpy() == pytest.approx(batch.old_log_probs, abs=1e-5)
    assert (entropy >= 0).all()


# --- the trainer


@pytest.mark.slow
def test_cartpole_is_learned() -> None:
    done = learned(parse_config({"scenario": "gym:CartPole-v1", "steps": 30_000}))[-1]
    assert done.evidence is not None
    trained, random = (done.evidence["agents"][name]["return"] for name in ("trained", "random"))
    assert trained["low"] > 150
    assert random["high"] < 40
    assert done.evidence["threshold"] == 475


@pytest.mark.parametrize("scenario", ["gym:CartPole-v1", "gym:Acrobot-v1"])
def test_a_run_from_a_checkpoint_equals_the_unbroken_one(scenario: str) -> None:
    config = configured(scenario=scenario, checkpoint_interval=4 if "Acro" in scenario else 30)
    whole = learned(config)
    states = [p for p in whole if p.state is not None]
    assert len(states) >= 2
    start = states[0]
    rest, expected = learned(config, resume=start.state), whole[whole.index(start) + 1 :]
    assert [_timeless(p) for p in rest] == [_timeless(p) for p in expected]
    assert rest[-1].evidence == whole[-1].evidence
    assert weights_hash(learned(configured(scenario=scenario, seed=1))[-1].weights or {}) != (
        weights_hash(whole[-1].weights or {})
    )


def _timeless(progress: Progress) -> Any:
    metrics = {k: v for k, v in progress.metrics.items() if k != "steps_per_second"}
    weights = None if progress.weights is None else weights_hash(progress.weights)
    return progress.update, progress.episodes, progress.env_steps, metrics, weights


def test_a_budget_of_steps_ends_the_run_and_its_schedules() -> None:
    seen = [p for p in learned(configured(steps=1_000)) if p.metrics]
    assert seen[-1].env_steps == 1_024
    assert seen[-1].fraction == 1
    rates = [p.metrics["learning_rate"] for p in seen]
    assert rates == sorted(rates, reverse=True)  # type: ignore[type-var]
    assert rates[-1] == pytest.approx(1e-3 * (1 - 768 / 1_000)), "to zero, at the steps' pace"


def test_validation_is_a_return_on_seeds_of_its_own() -> None:
    looked = [p.metrics for p in train(configured(steps=600, validation_interval=1))]
    assert any("validation_return" in metrics for metrics in looked)


# --- settings


def test_what_is_not_given_comes_from_the_environments_preset() -> None:
    config = parse_config({"scenario": "gym:CartPole-v1"})
    assert (config.warm_start, config.collectors) == (0, 1)
    assert config.steps > 0
    assert parse_config({"scenario": "gym:CartPole-v1", "episodes": 50}).steps == 0
    assert parse_config(config.as_json()) == config


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"scenario": "gym:CartPol-v1"}, "scenario", "did you mean 'gym:CartPole-v1'"),
        ({"scenario": "gym:"}, "scenario", "no registered Gymnasium id"),
        ({"scenario": "gym:os:CartPole-v1"}, "scenario", "no registered Gymnasium id"),
        ({"algorithm": "grpo"}, "algorithm", "ppo only"),
        ({"curriculum": "on"}, "curriculum", "no stages"),
        ({"collectors": 2}, "collectors", "leave it at 1"),
        ({"scenario": "gym:Pendulum-v1"}, "scenario", "Box, which cannot be learned"),
    ],
)
def test_what_cannot_be_trained_names_the_field_and_the_fix(
    values: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        problem_of(configured(**values))
    assert words in caught.value.errors[field]


def test_an_id_never_imports_a_module_that_it_names() -> None:
    with pytest.raises(ConfigError):
        configured(scenario="gym:antigravity:CartPole-v1")
    assert "antigravity" not in sys.modules
