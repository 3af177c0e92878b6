"""A scenario's own measures and baselines, from its world to the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from scenarios.core.scenario import Baseline, Measure
from scenarios.core.tasks import Task
from scenarios.core.types import Decision, Turn
from scenarios.library.echo import Echo, EchoWorld
from training.evidence_page import evidence_context
from training.report import evidence_text
from training.rl.agents import OracleAgent, ScriptedAgent
from training.rl.calibration import fit, fit_facts
from training.rl.evaluation import baselines
from training.rl.evidence import build
from training.rl.exam import Exam, Tally, tally


def giving_up(turns: tuple[Turn, ...]) -> Decision:
    return Decision("final", text=str(turns[0].content))


class CountingWorld(EchoWorld):
    def measured(self) -> Mapping[str, tuple[float, float]]:
        return {"solved": (float(self.goals_hold()), 1.0), "noise": (0.0, 2.0)}


class Counting(Echo):
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("solved", "Echoes heard", 0.7),
        Measure("noise", "Noise made", 0.4, at_most=True),
        Measure("absent", "Never counted", 0.5),
    )
    baselines: ClassVar[Mapping[str, Baseline]] = {"quitter": Baseline("Quits at once", giving_up)}

    def world(self, task: Task, attempt: int = 0) -> EchoWorld:
        return CountingWorld(task, attempt, self.tools, 0.0)


def played(agent: OracleAgent | ScriptedAgent, exam: Exam) -> Tally:
    return list(tally(agent, exam, keep=True))[-1]


def document() -> dict[str, Any]:
    scenario = Counting()
    exam = Exam(scenario, "test", "easy", 10, 2)
    oracle = played(OracleAgent(), exam)
    quitter = played(ScriptedAgent(scenario.baselines["quitter"]), exam)
    tallies = {"trained": oracle, "quitter": quitter, "oracle": oracle}
    calibrated = fit_facts(fit(oracle.decided), oracle.decided)
    return build(exam, tallies, {}, calibrated)


def test_measures_are_shares_with_intervals_for_every_agent() -> None:
    agents = document()["agents"]
    assert agents["trained"]["measures"]["solved"]["value"] == 1.0
    assert agents["trained"]["measures"]["solved"]["n"] == 20
    assert agents["quitter"]["measures"]["solved"]["value"] == 0.0
    assert agents["quitter"]["measures"]["absent"]["value"] is None


def test_each_measure_is_a_criterion_judged_by_the_end_of_its_interval() -> None:
    found = {c["key"]: c for c in document()["criteria"]}
    assert found["solved"]["met"]
    assert found["solved"]["low"] >= 0.7
    assert found["noise"]["met"]
    assert found["noise"]["high"] <= 0.4
    assert not found["absent"]["met"]


def test_the_scenarios_own_baselines_are_played_beside_the_others() -> None:
    agents = baselines(Counting(), 0)
    assert agents["quitter"].label == "Quits at once"
    assert list(agents)[-1] == "oracle"


def test_the_page_and_the_terminal_show_them() -> None:
    evidence = document()
    page = evidence_context(evidence)
    assert page["measures"][2:5] == ["Echoes heard", "Noise made", "Never counted"]
    assert page["agents"][0]["cells"][2]["figure"]["value"] == 1.0
    text = evidence_text(evidence)
    assert "Echoes heard: 100.0 %" in text
    assert "Noise made: 0.0 % [0.0, " in text
    assert "target at most 40.0 %" in text


def test_a_scenario_without_any_has_none() -> None:
    exam = Exam(Echo(), "test", "easy", 2, 1)
    assert played(OracleAgent(), exam).measured == []
