"""One `lm_eval run --config` file for each system on the leaderboard."""
