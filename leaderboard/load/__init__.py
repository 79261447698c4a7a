"""First stage: read files into runs. Raw JSON becomes typed values of limited size; the next stage checks runs."""
