"""Second stage: check runs. Every item's result is recomputed; every run gets a status and a reason."""
