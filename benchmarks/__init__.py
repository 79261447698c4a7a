"""Measure the performance claims, each as a ratio to a baseline in the same run."""
