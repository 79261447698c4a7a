"""First stage: files to runs. What a results file says is read and tamed; nothing is judged."""
