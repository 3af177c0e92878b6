"""Any Gymnasium environment with plain spaces, learned by the same trainer: `gym:CartPole-v1` in place of a scenario."""
