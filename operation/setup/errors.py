"""What goes wrong before the environment exists."""

from __future__ import annotations


class SetupError(Exception):
    """The environment cannot be made; ``str(error)`` is all a person needs to read."""


class NotFetched(SetupError):
    """An index did not give what the lock pins; the environment is as it was."""


class NoSpace(SetupError):
    """The disk is full or too small."""
