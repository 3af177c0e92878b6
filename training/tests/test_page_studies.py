"""The pages of studies."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from training import studies, studies_messages
from training.studies_charts import Scale, history, looks, parallel, pareto, slices
from training.studies_models import Study, Trial
from training.tests.studying import HandMade, carry_on, first_value, new_study, searched
from training.tuning.space import parse_space

pytestmark = pytest.mark.django_db(transaction=True)
ClientAs = Callable[[User], Client]
FORM = {
    "scenario": "echo", "name": "night", "sampler": "tpe", "pruner": "median", "trials": "5", "jobs": "1",
    "space": "learning_rate: {low: 1e-5, high: 1e-2, log: true}\nbatch_size: [64, 128]", "settings": "episodes: 40",
    "objectives": ["success"],
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
FRAGMENT = {"hx-request": "true"}


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Studies that workers were told about."""
    found: list[int] = []
    monkeypatch.setattr(studies_messages, "_send", found.append)
    return found


def fill(study: Study, count: int, **more: Any) -> None:
    """Trials as rows, without running anything."""
    space = study.plan.ranges
    rows = []
    for number in range(count):
        params = {
            "learning_rate": 10.0 ** -(1 + number % 4),
            "discount_factor": 0.9 + number % 9 / 100,
        }
        values = [((number * 7) % 10) / 10] * len(study.plan.objectives)
        row = {
            "params": {n: params[n] for n in space.names},
            "values": values,
            "status": "complete",
        }
        rows.append(Trial(study=study, number=number, **{**row, **more}))
    Trial.objects.bulk_create(rows)


def test_a_stranger_is_sent_to_the_login(alice: User) -> None:
    study = new_study(alice)
    for path in ("", "new/", f"{study.pk}/", f"{study.pk}/export.csv"):
        assert Client().get(f"/studies/{path}").status_code == 302


def test_other_people_s_studies_are_not_found(alice: User, bob: User, client_as: ClientAs) -> None:
    study, client = new_study(alice, name="secret"), client_as(bob)
    assert "secret" not in client.get("/studies/").content.decode()
    for path in ("", "export.csv", "export.json", "stop/"):
        assert client.get(f"/studies/{study.pk}/{path}").status_code == 404
    for path in ("pause", "resume", "stop", "extend", "register"):
        assert client.post(f"/studies/{study.pk}/{path}/").status_code == 404


def test_an_empty_list_says_what_to_do(alice: User, client_as: ClientAs) -> None:
    html = client_as(alice).get("/studies/").content.decode()
    assert "No studies yet" in html
    assert "agentgym optimize" in html


def test_the_list_takes_the_same_queries_for_any_number(
    alice: User, client_as: ClientAs, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        new_study(alice)
    client = client_as(alice)
    client.get("/studies/")
    with django_assert_num_queries(4):
        assert client.get("/studies/").content.decode().count("/studies/") > 12


def test_the_form_starts_a_study(alice: User, client_as: ClientAs, sent: list[int]) -> None:
    client = client_as(alice)
    assert "learning_rate" in client.get("/studies/new/?scenario=echo").content.decode()
    answer = client.post("/studies/new/", FORM)
    study = Study.objects.get()
    assert answer["location"] == f"/studies/{study.pk}/"
    assert sent == [study.pk]
    assert (study.title, study.plan.trials, study.plan.settings) == ("night", 5, {"episodes": 40})
    assert study.plan.ranges["batch_size"].values == (64, 128)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("space", "learning_rate: {low: 1, high: 0.1}", "learning_rate: low 1 is above high 0.1"),
        ("space", "learning_rate: {low: 0, high: 0.1, log: true}", "must begin above 0"),
        ("space", "learning_rte: [0.1]", "Learning_rte: unknown setting; did you mean"),
        ("space", "learning_rate: [", "Cannot be read in line"),
        ("space", "a: &x [1]\nb: *x", "aliases"),
        ("space", "[" * 5_000, "nested too deeply"),
        ("settings", "episdes: 3", "Episdes: unknown setting"),
        ("trials", "0", "Must be a whole number of at least 1"),
        ("sampler", "gp", "which is not installed"),
        ("timeout", "nan", "Must be a number"),
    ],
)
def test_bad_input_stands_at_its_field_and_loses_nothing(
    alice: User, client_as: ClientAs, field: str, text: str, message: str
) -> None:
    answer = client_as(alice).post("/studies/new/", {**FORM, field: text})
    html = answer.content.decode().replace("&#x27;", "'")
    assert answer.status_code == 422
    assert message.lower() in html.lower()
    assert f'id="id_{field}_error"' in html
    assert "night" in html
    assert not Study.objects.exists()


def test_two_objectives_and_a_pruner_do_not_go_together(alice: User, client_as: ClientAs) -> None:
    answer = client_as(alice).post("/studies/new/", {**FORM, "objectives": ["success", "latency"]})
    assert "pruning needs a single objective" in answer.content.decode().lower()


def test_the_page_of_a_finished_study(
    alice: User, client_as: ClientAs, hand_made: HandMade
) -> None:
    study = new_study(alice, trials=9, pruner="median")
    carry_on(study)
    html = client_as(alice).get(f"/studies/{study.pk}/").content.decode()
    assert "What stayed of the gain" in html
    assert "on the test split" in html
    assert "Make the winner a model version" in html
    assert html.count("viewBox") >= 5  # history, looks, parallel, two slices
    assert "What success depends on" in html or study.importance == {}
    assert "hx-trigger" not in html  # nothing changes any more
    assert "style=" not in html
    best = max(searched(study), key=first_value)
    assert f"trial {best.number}, on validation tasks" in html
    for run in studies.runs_of(study).order_by("pk"):
        assert client_as(alice).get(f"/runs/{run.pk}/").status_code == 200
        assert client_as(alice).get(f"/runs/{run.pk}/evidence/").status_code in (200, 404)


def test_one_click_registers_the_winner(alice: User, client_as: ClientAs, hand_made: HandMade) -> None:  # fmt: skip
    study, client = new_study(alice), client_as(alice)
    carry_on(study)
    answer = client.post(f"/studies/{study.pk}/register/")
    study.refresh_from_db()
    assert study.version is not None
    assert answer["location"] == f"/models/{study.version.pk}/"
    assert client.get(answer["location"]).status_code == 200
    html = client.get(f"/studies/{study.pk}/").content.decode()
    assert "Make the winner a model version" not in html
    assert f"/models/{study.version.pk}/" in html


def test_buttons_pause_resume_extend_and_stop(
    alice: User, client_as: ClientAs, sent: list[int]
) -> None:
    study, client = new_study(alice), client_as(alice)

    def press(what: str, **data: str) -> str:
        html = client.post(f"/studies/{study.pk}/{what}/", data, follow=True).content.decode()
        study.refresh_from_db()
        return html

    assert 'form="pause-study"' in client.get(f"/studies/{study.pk}/").content.decode()
    assert 'form="resume-study"' in press("pause")
    assert study.status == "paused"
    assert "goes on" in press("resume")
    extended = {"trials": "7", "jobs": "1", "timeout": "", "max_cost": ""}
    assert "goes by the new numbers" in press("extend", **extended)
    assert study.plan.trials == 7
    assert "Nothing would change" in press("extend", **extended)
    assert "trials: must be a whole number" in press("extend", **{**extended, "trials": "x"})
    assert "Keep searching" in client.get(f"/studies/{study.pk}/stop/").content.decode()
    assert "is being stopped" in press("stop")
    assert study.status == "stopping"
    assert "can go on" in press("resume")
    assert "no confirmed trial" in press("register")
    assert len(sent) >= 4


def test_the_live_part_asks_again_and_is_told_when_nothing_is_new(
    alice: User, client_as: ClientAs, hand_made: HandMade
) -> None:
    study, client = new_study(alice, pruner="median"), client_as(alice)
    carry_on(study, most=1)
    html = client.get(f"/studies/{study.pk}/").content.decode()
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found is not None
    address = found[1].replace("&amp;", "&")
    assert client.get(address, headers=FRAGMENT).status_code == 204
    carry_on(study, most=1)
    answer = client.get(address, headers=FRAGMENT)
    assert answer.status_code == 200
    assert answer.content.decode().lstrip().startswith('<div id="study-live"')
    assert answer["vary"]


def test_a_long_study_shows_its_newest_or_best_trials(alice: User, client_as: ClientAs) -> None:
    study, client = new_study(alice, trials=500), client_as(alice)
    fill(study, 300)
    html = client.get(f"/studies/{study.pk}/").content.decode()
    assert "275 more trials are in the exports" in html
    assert '<th scope="row">299' in html
    best = client.get(f"/studies/{study.pk}/?sort=value").content.decode()
    assert '<th scope="row">7<span' in best


def test_the_page_takes_the_same_queries_for_any_number_of_trials(
    alice: User, client_as: ClientAs, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    few, many, client = new_study(alice), new_study(alice, trials=60), client_as(alice)
    fill(few, 2)
    fill(many, 25)
    client.get(f"/studies/{few.pk}/")
    with django_assert_num_queries(8):
        client.get(f"/studies/{few.pk}/")
    with django_assert_num_queries(8):
        client.get(f"/studies/{many.pk}/")


def test_names_and_failures_are_shown_as_text(alice: User, client_as: ClientAs) -> None:
    study = studies.create_study(owner=alice, values={"scenario": "echo"}, name="<script>alert(1)</script>")  # fmt: skip
    Trial.objects.create(study=study, number=0, status="failed", failure="<img src=x onerror=y>")
    client = client_as(alice)
    for path in ("", f"{study.pk}/", f"{study.pk}/stop/"):
        html = client.get(f"/studies/{path}").content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_a_study_whose_scenario_is_gone_can_be_looked_at(alice: User, client_as: ClientAs) -> None:
    study, client = new_study(alice), client_as(alice)
    fill(study, 3)
    Study.objects.filter(pk=study.pk).update(config={**study.config, "scenario": "gone"})
    for path in ("", "export.csv", "export.json"):
        assert client.get(f"/studies/{study.pk}/{path}").status_code == 200


def test_exports(alice: User, client_as: ClientAs) -> None:
    study, client = new_study(alice), client_as(alice)
    fill(study, 3)
    table = client.get(f"/studies/{study.pk}/export.csv")
    assert table["content-disposition"] == f'attachment; filename="study-{study.pk}.csv"'
    assert table.content.decode().splitlines()[0].startswith("trial,status,discount_factor,")
    assert client.get(f"/studies/{study.pk}/export.json").json()["study_id"] == study.pk
    assert client.get(f"/studies/{study.pk}/export.exe").status_code == 404


def test_two_objectives_show_their_front(alice: User, client_as: ClientAs) -> None:
    study = new_study(alice, objectives=["success", "steps"])
    fill(study, 6)
    html = client_as(alice).get(f"/studies/{study.pk}/").content.decode()
    assert "Success against steps" in html
    assert 'class="front"' in html


def test_the_web_process_loads_no_optuna() -> None:
    code = (
        "import sys, agentgym_site.asgi\nfrom django.urls import get_resolver\nget_resolver().reverse_dict\n"
        "assert not {'optuna', 'sqlalchemy', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-500:]


def row(number: int, value: float | None, **params: Any) -> dict[str, Any]:
    return {"number": number, "params": params, "status": "complete",
            "values": None if value is None else [value], "looks": [[1, 0.1], [2, value or 0.0]]}  # fmt: skip


def test_charts_put_things_where_they_belong() -> None:
    space = parse_space({"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "algorithm": ["ppo", "grpo"]})  # fmt: skip
    rows = [
        row(0, 0.2, learning_rate=1e-4, algorithm="ppo"),
        row(1, 0.8, learning_rate=1e-3, algorithm="grpo"),
        row(2, 0.5, learning_rate=1e-2, algorithm="ppo"),
        {**row(3, None, learning_rate=1e-2, algorithm="ppo"), "status": "pruned"},
    ]
    told = history(rows, ["success"], 0)
    assert told is not None
    heights = [dot["y"] for dot in told["dots"]]
    assert heights[1] < heights[2] < heights[0]
    assert len(told["lines"][0]["points"].split()) == 4
    [by_algorithm, by_rate] = slices(rows, space, ["success"])
    assert len({dot["x"] for dot in by_algorithm["dots"]}) == 2
    places = [dot["x"] for dot in by_rate["dots"]]
    assert places[1] == pytest.approx((places[0] + places[2]) / 2, abs=0.2)
    lines = parallel(rows, space, ["success"])
    assert lines is not None
    assert [line["css"] for line in lines["lines"]] == ["rest", "rest", "good"]
    seen = looks(rows, ["success"])
    assert seen is not None
    assert [line["css"] for line in seen["lines"]] == ["rest", "rest", "rest", "pruned"]
    assert pareto(rows, ["success"]) == []
    assert history([], ["success"], 0) is None


def test_a_scale_without_a_width_is_no_division_by_zero() -> None:
    assert Scale(1, 1, 0, 100)(1) == 50
    assert [tick["label"] for tick in Scale(1e-4, 1e-1, 0, 90, log=True).ticks()] == ["0.0001", "0.001", "0.01", "0.1"]  # fmt: skip
