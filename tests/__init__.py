"""Tests; the folder mirrors the packages."""
