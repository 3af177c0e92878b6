"""Searching for good settings: spaces, samplers, pruners, and an honest look at what was found. No Django."""
