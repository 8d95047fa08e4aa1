"""Measures the workbench beside the tools that people know, interleaved and from a cold start."""
