"""The convergence indicator's rule."""

from __future__ import annotations

import pytest

from training.rl.convergence import Convergence


def fed(rates: list[float], calls: int = 200) -> Convergence:
    indicator = Convergence(target=0.95)
    for share in rates:
        indicator.add(round(share * calls), calls)
    return indicator


@pytest.mark.parametrize(
    ("rates", "state"),
    [
        ([0.1, 0.2], "starting"),
        ([0.02 * i for i in range(20)], "improving"),
        ([0.7] * 20, "plateau"),
        ([0.5, 0.8] * 10, "unstable"),
        ([0.99] * 20, "target_held"),
    ],
)
def test_each_state_follows_from_the_recent_windows(rates: list[float], state: str) -> None:
    assert fed(rates).state == state


def test_a_good_share_over_few_calls_does_not_hold_the_target() -> None:
    assert fed([1.0] * 3, calls=20).state == "starting"


def test_updates_without_calls_change_nothing() -> None:
    indicator = Convergence(target=0.95)
    indicator.add(0, 0)
    assert indicator.window() == (None, None, None)
    assert indicator.state == "starting"


def since(rates: list[float], calls: int = 200) -> int | None:
    indicator = Convergence(target=0.95)
    for update, share in enumerate(rates, 1):
        indicator.add(round(share * calls), calls, 10 * update)
    return indicator.held_since


def test_convergence_is_the_first_episode_from_which_the_target_is_held_to_the_end() -> None:
    assert since([0.99] * 20) == 50  # the window is half full after 1,000 calls
    assert since([0.5] * 10 + [1.0] * 15) == 200  # the last weak update leaves the window
    assert since([0.99] * 10 + [0.5] * 10) is None
    assert since([0.99] * 10 + [0.5] * 5 + [1.0] * 20) == 250
    assert since([0.9] * 30) is None


def test_convergence_survives_an_interruption_and_states_its_rule() -> None:
    whole = fed([0.99] * 12)
    later = Convergence(target=0.95)
    later.restore([list(pair) for pair in whole.calls], list(whole.rates), whole.held_since)
    later.add(199, 200, 999)
    assert later.held_since == whole.held_since
    facts = later.facts()
    assert facts["episode"] == whole.held_since
    assert facts["state"] == "target_held"
    assert facts["window"]["low"] >= facts["target"] == 0.95
    assert "2,000 calls" in facts["rule"]
