"""The keys that open a service."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from operation.engine.foundation.errors import UsageError

SHORTEST_KEY = 16


def read_keys(file: Path | None, option: str = "--key-file") -> tuple[str, ...]:
    """Return the keys in `file`, one a line; `option` is what named it.

    Raises
    ------
    UsageError
        When it cannot be read, or a key is too short to be one.
    """
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{option}: cannot read {file}: {error}") from error
    return sound_keys(lines, f"{option}: {file}")


def sound_keys(lines: Iterable[str], where: str) -> tuple[str, ...]:
    """Return the keys in `lines`; `where` they stand begins the message.

    Raises
    ------
    UsageError
        When there is none, or one is too short.
    """
    keys = tuple(key for line in lines if (key := line.strip()))
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise UsageError(
            f"{where} must hold a key a line, each of at least {SHORTEST_KEY} characters: "
            'python3 -c "import secrets; print(secrets.token_urlsafe())"'
        )
    return keys
