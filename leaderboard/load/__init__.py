"""First stage of the leaderboard: read results files and records as runs. Parse raw JSON into typed values."""
