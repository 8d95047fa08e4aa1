"""Assignments of environment variables, quoted as a shell reads them."""

from __future__ import annotations

import shlex


def bash(name: str, value: str) -> str:
    """Return the line that sets a variable in bash, and in every other POSIX shell."""
    return f"export {name}={shlex.quote(value)}"


def powershell(name: str, value: str) -> str:
    """Return the line that sets a variable in PowerShell, which reads typographic quotes as quotes too."""
    quoted = "".join(2 * character if character in "'‘’‚‛" else character for character in value)
    return f"$env:{name} = '{quoted}'"
