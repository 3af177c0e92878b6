"""Generalised advantage estimation against a computation by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.rl.returns import gae


def _columns(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, None]


def test_it_matches_a_computation_by_hand() -> None:
    nothing = np.zeros((3, 1), dtype=bool)
    advantages, returns = gae(
        _columns(1, 0, 2), _columns(0.5, 1, 1.5), _columns(1, 1.5, 3), nothing, nothing, 0.9, 0.8
    )
    third = 2 + 0.9 * 3 - 1.5
    second = 0 + 0.9 * 1.5 - 1 + 0.9 * 0.8 * third
    first = 1 + 0.9 * 1 - 0.5 + 0.9 * 0.8 * second
    assert advantages[:, 0] == pytest.approx([first, second, third])
    assert returns[:, 0] == pytest.approx([first + 0.5, second + 1, third + 1.5])


def test_a_terminated_step_has_no_future() -> None:
    over, cut = np.array([[True], [False]]), np.zeros((2, 1), dtype=bool)
    advantages, _ = gae(
        _columns(1, 1), _columns(0, 0), _columns(100, 0), over, cut, discount=1.0, lam=1.0
    )
    assert advantages[0, 0] == pytest.approx(1)


def test_a_truncated_step_is_bootstrapped_but_cuts_the_chain() -> None:
    over, cut = np.zeros((2, 1), dtype=bool), np.array([[True], [False]])
    advantages, _ = gae(
        _columns(1, 50), _columns(0, 0), _columns(10, 0), over, cut, discount=0.5, lam=1.0
    )
    assert advantages[0, 0] == pytest.approx(1 + 0.5 * 10)
