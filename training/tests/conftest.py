"""Runs for the tests, and a trainer without torch that yields what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest

from training.rl.progress import Progress
from training.tests.progress import MakeRun, Trainer
from training.tests.studying import HandMade

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from training.models import Run


@pytest.fixture
def make_run(alice: User) -> MakeRun:
    """`make_run(episodes=64)`: a queued `echo` run, alice's unless `owner` is given."""
    from training import services

    def make(owner: User | None = None, **values: Any) -> Run:
        values = {"scenario": "echo", "episodes": 40, **values}
        return services.create_run(owner=owner or alice, values=values)

    return make


@pytest.fixture
def running(make_run: MakeRun) -> Run:
    """A run that this process holds."""
    from training import services

    run = services.claim(make_run().pk, lease_owner="me")
    assert run is not None
    return run


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """`trainer(generator_function)` makes the runner train with it; where it takes arguments, with resume and changes."""
    import training.rl.train as module

    def install(generator: Callable[..., Iterator[Progress]]) -> None:
        given = len(signature(generator).parameters)

        def train(*arguments: object) -> Iterator[Progress]:
            yield from generator(*arguments[1 : 1 + given])

        monkeypatch.setattr(module, "train", train)

    return install


@pytest.fixture
def hand_made(monkeypatch: pytest.MonkeyPatch) -> HandMade:
    """The runner trains with this: see `HandMade`."""
    import training.rl.train as module

    made = HandMade()
    monkeypatch.setattr(module, "train", made)
    return made
