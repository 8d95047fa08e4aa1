"""Logs of other processes, masked before they reach the disk: a kill leaves no secret there."""

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from operation.engine.foundation.secrets import masked_lines


class MaskedLog:
    """A pipe whose text is appended to the file `path` line by line, with secrets masked.

    Its number, `fileno()`, is what a process is given as its standard error. `close` waits for what was
    written before it, and for no process that still has the pipe.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._end = f"{secrets.token_hex(16)}\n"
        reading, self._writing = os.pipe()
        self._thread = threading.Thread(target=self._copy, args=(reading, path), daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Return the descriptor to write to."""
        return self._writing

    def close(self) -> None:
        """Let all that was written be in the file."""
        with suppress(OSError):  # nobody reads any more
            os.write(self._writing, self._end.encode())
        os.close(self._writing)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _copy(self, reading: int, path: Path) -> None:
        with open(reading, encoding="utf-8", errors="replace") as lines:
            for text in masked_lines(lines, self._end):
                with suppress(OSError), path.open("a", encoding="utf-8") as file:  # who writes must not wait
                    file.write(text)
