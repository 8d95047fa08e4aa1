"""What a measurement says while it goes on."""

from __future__ import annotations

import sys


class Voice:
    """Lines for a log; on a terminal also what is being done, until the next line takes its place."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        print(f"\r\x1b[K{text}" if self._terminal else text, flush=True)

    def now(self, text: str) -> None:
        """Show what is being done, on a terminal alone."""
        if self._terminal:
            print(f"\r\x1b[K{text}", end="", flush=True)


class Silence(Voice):
    """Says nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def now(self, text: str) -> None:
        """Say nothing."""
