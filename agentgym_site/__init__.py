"""The site: settings, urls, servers and the command line. It only wires the three apps together."""

from __future__ import annotations

__version__ = "0.1.0"
