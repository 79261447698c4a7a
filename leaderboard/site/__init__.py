"""Last stage: turn boards into tables and pages. Every number comes from a row; no number is computed here."""
