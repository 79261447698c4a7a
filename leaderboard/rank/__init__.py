"""Turn verified runs into rows, ranks and comparisons (third stage). Ranks use only per-item results."""
