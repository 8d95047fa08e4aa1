"""Standard output and error as user code sees them in a notebook's process."""

from __future__ import annotations

import io

_KEPT = 1 << 16  # bytes


class OutStream(io.TextIOWrapper):
    """Text only, as in a kernel: what writes bytes to ``sys.stdout.buffer`` fails in JupyterLab too."""

    __slots__ = ("buffer",)  # never set: to ask for it is an error in Python's own words, without our frame


def writer(descriptor: int) -> OutStream:
    """Return a text stream that keeps at most the line that is being written."""
    raw = io.FileIO(descriptor, "w", closefd=False)
    buffer = io.BufferedWriter(raw, _KEPT)
    return OutStream(buffer, encoding="UTF-8", errors="backslashreplace", line_buffering=True)
