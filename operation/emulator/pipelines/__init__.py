"""Graphs of steps: executed, reused, published, scheduled."""
