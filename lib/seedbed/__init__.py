"""Families of training experiments as seeded repeats and parameter grids, and tables that people can believe."""

NUMERICS = 1
"""Raised when code that families share changes the numbers a trial gives; part of every trial's identity."""
