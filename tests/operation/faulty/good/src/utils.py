"""Types of arguments."""

from __future__ import annotations

from pathlib import Path


def input_path(value: str) -> Path:
    """Mark an input."""
    return Path(value)


def output_path(value: str) -> Path:
    """Mark an output."""
    return Path(value)
