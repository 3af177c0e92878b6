"""How the outside asks `train()` to end early and hand over what was learned."""

from __future__ import annotations


class StopTraining(Exception):
    """Thrown into the generator (`steps.throw(StopTraining())`), or raised inside it by a signal handler.

    A trainer that knows it answers with one last progress that carries the present weights; one that does not lets it
    pass, and the weights of the last checkpoint are kept.
    """
