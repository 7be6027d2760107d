"""Health: detectors that run inside every trial, change no number, and cost less than 2 % of a step."""
