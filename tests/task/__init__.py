"""Tests of `recipe_mpr_task`."""
