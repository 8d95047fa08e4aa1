"""Runs: asked for, checked, executed, recorded, tracked."""
