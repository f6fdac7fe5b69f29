"""Tests mirror the package; README.md says which stand-in world is which."""
