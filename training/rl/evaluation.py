"""Evaluation: the trained policy and every baseline on one exam, turned into evidence. No torch in here."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Self

from models_registry.artifacts.bundle import Weights
from models_registry.policies.architecture import initial_weights
from models_registry.policies.calibration import Calibration
from models_registry.policies.runtime import Forward
from scenarios.core.scenario import Scenario
from scenarios.core.types import Json
from training.rl import calibration, evidence
from training.rl.agents import (
    Agent,
    KeywordAgent,
    OracleAgent,
    PolicyAgent,
    RandomAgent,
    RetrievalAgent,
    ScriptedAgent,
    UntrainedAgent,
)
from training.rl.exam import Exam, Tally, play, tally
from training.rl.progress import EpisodeRecord

PROGRESS_EVERY = 50
"""Episodes between two signs of progress."""
Told = int | tuple[str, Tally]
Play = Callable[..., Iterator[Told]]
HERE = ("trained", "untrained")
"""What this process plays; a second one plays the other baselines."""


def baselines(scenario: Scenario, seed: int) -> dict[str, Agent]:
    """Everything that the trained policy is compared with."""
    return {
        "untrained": UntrainedAgent(Forward(initial_weights(seed)), seed),
        "random": RandomAgent(seed),
        "keyword": KeywordAgent(scenario),
        "retrieval": RetrievalAgent(scenario),
        **{name: ScriptedAgent(baseline) for name, baseline in scenario.baselines.items()},
        "oracle": OracleAgent(),
    }


@dataclass(slots=True)
class Evaluated:
    """State of an evaluation: fraction in [0, 1] and what is being played; at the end the evidence and transcripts."""

    fraction: float
    doing: str
    evidence: dict[str, Json] | None = None
    kept: list[EpisodeRecord] = field(default_factory=list)


def evaluate(
    weights: Weights,
    exam: Exam,
    *,
    seed: int = 0,
    weights_sha256: str = "",
    calibrated: Mapping[str, Json] | None = None,
    convergence: Mapping[str, Json] | None = None,
) -> Iterator[Evaluated]:
    """Play the trained policy and all baselines on one exam; yields progress, the last one with the evidence.

    All but `HERE` are played by a second process meanwhile; who plays whom does not change any figure.
    calibrated: the `calibration` that the policy's manifest holds; without it, one is fitted on validation tasks.
    convergence: `Convergence.facts()` of the training, for the evidence.
    """
    agents: dict[str, Agent] = {
        "trained": PolicyAgent(Forward(weights)),
        **baselines(exam.scenario, seed),
    }
    apart = [name for name in agents if name not in HERE]
    total = len(agents) * exam.tasks * exam.attempts
    tallies: dict[str, Tally] = {}
    done = 0
    with Helper(_play_baselines, exam, apart, seed) as helper:
        yield Evaluated(0.0, "Calibration")
        facts = calibrated or fit_calibration(weights, exam)
        for name in (name for name in HERE):
            for state in tally(agents[name], exam, keep=name == "trained"):
                tallies[name] = state
                done += 1
                if done % PROGRESS_EVERY == 0:
                    share = min(1.0, (done + helper.played()) / total)
                    yield Evaluated(share, agents[name].label)
        while not helper.finished():
            yield Evaluated(min(1.0, (done + helper.played()) / total), "Baselines")
        tallies |= helper.tallies
    ordered = {name: tallies[name] for name in agents}
    told = {"seed": seed, "weights_sha256": weights_sha256, "convergence": convergence}
    document = evidence.build(exam, ordered, told, facts)
    kept = [with_confidence(record, Calibration.of(facts)) for record in tallies["trained"].kept]
    yield Evaluated(1.0, "done", document, kept)


def fit_calibration(weights: Weights, exam: Exam) -> dict[str, Json]:
    """A manifest's `calibration`: fitted on validation tasks of the exam's difficulty, never on the exam's own.

    Where nothing is held out there is nothing to fit it on, and confidence stays as it is.
    """
    if not exam.scenario.held_out:
        return calibration.fit_facts(Calibration(), calibration.Decided())
    tasks, first = calibration.TASKS, calibration.FIRST_SEED
    apart = Exam(exam.scenario, "validation", exam.difficulty, tasks, 1, first)
    decided = calibration.Decided()
    for task, record, _ in play(PolicyAgent(Forward(weights)), apart):
        for step in record.steps:
            decided.add(task, step.decision.confidence, step.right)
    return calibration.fit_facts(calibration.fit(decided), decided)


def with_confidence(record: EpisodeRecord, calibrate: Calibration) -> EpisodeRecord:
    """The transcript as the deployed agent would show it: with calibrated confidence."""
    steps = [
        replace(
            step,
            decision=replace(step.decision, confidence=calibrate(step.decision.confidence)),
        )
        for step in record.steps
    ]
    return replace(record, steps=steps)


class Helper:
    """A process that plays some agents; ended with the context.

    play: called there with the exam and what else it needs; yields the number of
    episodes since it last did, and each agent's (name, tally).
    """

    def __init__(self, play: Play, exam: Exam, names: Sequence[str], *more: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe(duplex=False)
        arguments = (theirs, play, exam, tuple(names), more)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._names = names
        self.tallies: dict[str, Tally] = {}
        self._played = 0
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.terminate()
        self._process.join(timeout=5)

    def played(self, wait: float = 0.0) -> int:
        """Episodes that the process has told of so far. Raises `RuntimeError` where it has died."""
        try:
            while len(self.tallies) < len(self._names) and self._ours.poll(wait):
                told = self._ours.recv()
                if isinstance(told, int):
                    self._played += told
                else:
                    self.tallies[told[0]] = told[1]
        except EOFError as problem:
            raise RuntimeError("the process that plays the baselines has died") from problem
        return self._played

    def finished(self) -> bool:
        """Whether all tallies are here; waits a moment for news."""
        self.played(wait=0.2)
        return len(self.tallies) == len(self._names)


def _serve(
    connection: Connection,
    play: Play,
    exam: Exam,
    names: Sequence[str],
    more: tuple[Any, ...],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    try:
        for told in play(exam, names, *more):
            connection.send(told)
    except BrokenPipeError:
        return


def _play_baselines(exam: Exam, names: Sequence[str], seed: int) -> Iterator[Told]:
    agents = baselines(exam.scenario, seed)
    for name in names:
        state = Tally(agents[name].label)
        for state in tally(agents[name], exam, count_tokens=name == "oracle"):
            if len(state.task) % PROGRESS_EVERY == 0:
                yield PROGRESS_EVERY
        yield name, state
