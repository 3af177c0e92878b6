"""Where the shared file comes from: small functions, one file per split, none in two of them."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Split
from scenarios.library.collaborative_coding.functions import test, train, validation
from scenarios.library.collaborative_coding.functions.function import Function

FUNCTIONS: Mapping[Split, tuple[Function, ...]] = {
    "train": train.FUNCTIONS,
    "validation": validation.FUNCTIONS,
    "test": test.FUNCTIONS,
}
