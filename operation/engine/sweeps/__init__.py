"""Sweeps: one notebook executed at many points of its parameters."""
