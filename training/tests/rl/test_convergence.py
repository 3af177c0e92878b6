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
