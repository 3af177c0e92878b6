"""The world's vocabulary: tools, tasks, worlds, environments, rewards, and the check of a scenario."""
