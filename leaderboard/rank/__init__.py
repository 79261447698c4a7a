"""Third stage: checked runs to rows, ranks and comparisons, from per-item results alone."""
