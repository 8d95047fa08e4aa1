"""Placeholder until the gallery is written."""

from pathlib import Path


def write_gallery(runs: Path) -> Path:
    """Write ``runs/index.html``."""
    return runs / "index.html"
