"""Last stage: turn boards into tables and pages. No number is computed here: every number comes from a row."""
