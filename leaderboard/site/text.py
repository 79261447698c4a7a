"""Texts that came with a file, made fit to stand in one line of something else."""

from recipe_mpr_task.lines import line

__all__ = ["line"]
