"""First stage: read results files and records as runs. Raw JSON becomes typed values of limited size."""
