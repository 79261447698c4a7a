"""Third stage: turn checked runs into rows, ranks and comparisons, from per-item results alone."""
