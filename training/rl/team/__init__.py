"""Learning in teams: a policy per role, whole episodes, rewards shared as the run says, one trainer."""
