"""Runs and what they leave: metrics, artifacts, blobs."""
