"""Second stage of the leaderboard: recompute every item's result, and give every run a status and a reason."""
