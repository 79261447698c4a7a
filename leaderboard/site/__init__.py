"""Last stage: boards to tables, pages and interchange formats. Computes nothing: every number comes from a row."""
