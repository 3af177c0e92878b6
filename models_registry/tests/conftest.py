"""Versions for the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from models_registry.models import Version


@pytest.fixture
def make_version(alice: User) -> Callable[..., Version]:
    """`make_version(name="agent")`: the next version of alice's `echo`, or of what is given."""
    from models_registry import services
    from scenarios.models import Scenario

    def make(**values: Any) -> Version:
        defaults: dict[str, Any] = {
            "owner": alice,
            "name": "echo",
            "scenario": Scenario.objects.get(key="echo"),
            "weights": {"table": np.ones((2, 3), dtype=np.float32)},
            "manifest": {"scenario": "echo"},
            "evidence": {"scenario": "echo"},
        }
        return services.register_version(**{**defaults, **values})

    return make
