"""`train`: the whole loop as a generator of progress. No callbacks; to stop is to leave the loop."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import torch

from models_registry.policies.architecture import ARCHITECTURE
from scenarios.core.scenario import Scenario
from scenarios.core.team import TeamScenario
from training.rl.config import TrainConfig
from training.rl.device import choose, kept
from training.rl.learners import Learners
from training.rl.problem import Problem, problem_of
from training.rl.progress import Progress
from training.rl.rollout import Order
from training.rl.session import Session
from training.rl.state import TrainerState
from training.rl.stopping import StopTraining

Changes = Mapping[str, Any]
"""Settings to change while a run goes on, see `config.LIVE`; `checkpoint` asks for one at the next update."""
Steps = Generator[Progress, Changes | None, None]


class Diverged(ArithmeticError):
    """A loss or weight became NaN or infinite; nothing after the last checkpoint is worth keeping."""


def train(
    config: TrainConfig,
    resume: TrainerState | None = None,
    changes: Changes | None = None,
    problem: Problem | None = None,
) -> Steps:
    """Learn `config.scenario`, yielding after every update, then during the evaluation; the last one carries evidence.

    Deterministic: equal configs give equal weights and, apart from measured times, equal evidence, bit for bit, on the
    same build of torch; so does a run that goes on from the `state` of any of its checkpoints (resume, whose settings
    then count). problem: the config's, where it shall be evaluated in another way. Sets torch to one thread (several
    threads of a small network spin against each other).
    Settings sent into the generator take effect at the next update, `changes` at the first one. Raises `Diverged`;
    `ConfigError` for a bad change; `NoDevice` where a GPU was asked for and there is none. A checkpoint starts all conversations afresh, so one that was sent for (a pause)
    changes what comes after it, as any sent setting does.
    A `StopTraining` thrown into it while it learns is answered with a last progress that carries the weights so far.
    """
    _repeatable()
    problem = problem or problem_of(config)
    session = Session.of(config, problem)
    if resume is not None:
        session.restore(resume)
    learners = Learners(problem, session.config)
    if session.device is not None:
        session.device = kept(session.device)
        learners.place(session.device.name)
    if resume is not None:
        learners.restore(resume.arrays, resume.facts)
    changed = session.change(changes) if changes else {}
    learners.change(session.config)
    learned_before = session.over
    try:
        yield from _learn(session, problem, learners, changed)
    except StopTraining:
        if not session.update:
            raise  # nothing has been learned
        weights = session.average.mean(problem.network.export())
        yield session.progress(phase="training", fraction=session.fraction, weights=weights)
        return
    weights = session.average.mean(problem.network.export())
    if not learned_before:
        # A checkpoint here keeps the evaluation from costing the training when it is cut off.
        state = session.state(*learners.state())
        end = session.progress(phase="training", fraction=1.0)
        yield replace(end, weights=weights, state=state)
    for found in problem.evaluate(weights, session.convergence.facts()):
        over = found.evidence is not None
        yield session.progress(
            phase="done" if over else "evidence",
            fraction=found.fraction,
            evidence=found.evidence,
            samples=tuple(found.kept),
            weights=weights if over else None,
        )


def _repeatable() -> None:
    """One thread, and only kernels that give the same bits again."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # a GPU repeats itself only so
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Filling what will be overwritten anyway costs a twentieth of an update; nothing here reads it before.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _learn(
    session: Session, problem: Problem, learners: Learners, changed: dict[str, Any]
) -> Steps:
    weights = problem.network.export()
    with problem.source() as source:
        while not session.over:
            began = time.perf_counter()
            batches, finished = source.collect(weights, _order(session, learners))
            chosen = None
            if session.device is None:
                config = session.config
                chosen = choose(config.device, problem, batches, config.batch_size)
                session.device = chosen
                learners.place(chosen.name)
            losses = learners.update(batches, session.episodes, session.spent)
            if not all(math.isfinite(value) for value in losses.values()):
                raise Diverged(
                    f"training diverged at episode {session.episodes:,}; try a smaller learning rate"
                )
            steps = sum(len(batch) for batch in batches)
            losses["steps_per_second"] = steps / (time.perf_counter() - began)
            stage_change = session.count(finished, steps)
            weights = problem.network.export()
            session.average.add(weights, session.fraction)
            metrics = session.metrics(finished, losses)
            if session.validation_due():
                metrics |= problem.validate(session.average.mean(weights))
            due = session.checkpoint_due()
            sent = yield session.progress(
                phase="training",
                fraction=session.fraction,
                metrics=metrics,
                samples=session.samples(finished),
                weights=session.average.mean(weights) if due else None,
                state=session.state(*learners.state()) if due else None,
                stage_change=stage_change,
                changed=changed,
                device=chosen,
            )
            changed = session.change(sent) if sent else {}
            learners.change(session.config)


def _order(session: Session, learners: Learners) -> Order:
    config = session.config
    return Order(
        config.rollout_steps,
        config.discount_factor,
        config.gae_lambda,
        session.curriculum.stage,
        learners.guidance(session.episodes),
        learners.credit(session.episodes),
        config.group_size,
        session.epoch,
    )


def manifest(config: TrainConfig, scenario: Scenario) -> dict[str, Any]:
    """What a bundle says of itself, before weights and evidence are added."""
    roles = [r.name for r in scenario.roles] if isinstance(scenario, TeamScenario) else []
    return {
        "architecture": ARCHITECTURE,
        "scenario": scenario.key,
        "scenario_version": scenario.version,
        "scenario_hash": scenario.content_hash(),
        "tools": [tool.as_json() for tool in scenario.tools],
        **({"roles": roles} if roles else {}),
        "config": config.as_json(),
        "seed": config.seed,
    }
