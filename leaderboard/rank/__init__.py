"""Third stage: turn verified runs into rows, ranks and comparisons. Only per-item results are used."""
