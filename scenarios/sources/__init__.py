"""Scenarios that users bring, as pure data: a YAML file, or recorded conversations. Nothing in them is executed."""
