"""Notebooks: their parameters, their headless execution."""
