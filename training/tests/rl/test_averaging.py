"""The tail average against the mean worked out by hand."""

from __future__ import annotations

import numpy as np

from training.rl.averaging import TailAverage


def weights(value: float) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    return {"a": np.full(3, value, dtype=np.float32)}


def test_only_the_tail_of_a_run_is_averaged() -> None:
    average = TailAverage()
    for value, fraction in ((9.0, 0.1), (9.0, 0.6), (1.0, 0.7), (2.0, 0.9), (6.0, 1.0)):
        average.add(weights(value), fraction)
    mean = average.mean(weights(6.0))
    assert mean["a"].dtype == np.float32
    np.testing.assert_allclose(mean["a"], 3.0)


def test_before_the_tail_the_latest_weights_are_given() -> None:
    average = TailAverage()
    average.add(weights(1.0), 0.5)
    assert average.mean(weights(2.0))["a"][0] == 2.0
