"""Tests that drive a real browser against real servers."""

from __future__ import annotations
