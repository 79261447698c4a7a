"""Turn boards into tables and pages. `leaderboard.rank` computes the results, and this package formats them."""
