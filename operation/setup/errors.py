"""What goes wrong before the environment exists."""

from __future__ import annotations


class SetupError(Exception):
    """The environment cannot be made; ``str(error)`` is all a person needs to read."""


class NoSpace(SetupError):
    """The disk is full or too small."""
