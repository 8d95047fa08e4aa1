"""Times as Azure writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now(later: float = 0) -> str:
    """Return the time in UTC, `later` seconds from now, as ``2026-01-31T12:00:00.000000Z``."""
    return (datetime.now(UTC) + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
