"""Recorded conversations, read and turned into a scenario. Nothing in them is executed."""

from __future__ import annotations

from scenarios.sources.traces.document import document, import_traces
from scenarios.sources.traces.reading import Reading, read_traces
from scenarios.sources.traces.scenario import TraceScenario

__all__ = ["Reading", "TraceScenario", "document", "import_traces", "read_traces"]
