"""Measure the performance claims. Each result is a ratio to a baseline that is measured in the same run."""
