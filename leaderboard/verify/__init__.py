"""Second stage: what a run's numbers are worth. Every item is computed anew, every run gets a status and a reason."""
