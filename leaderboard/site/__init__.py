"""Turn boards into tables and pages. Every number comes from a row; this package computes no number."""
