"""First stage: files to runs. Raw JSON is parsed, typed and bounded; nothing is checked yet."""
