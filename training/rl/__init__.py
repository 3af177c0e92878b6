"""The school: configuration, rollout, algorithms, evaluation and evidence. Nothing in here knows Django."""
