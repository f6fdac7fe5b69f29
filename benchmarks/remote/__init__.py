"""Runs whose files are elsewhere."""
